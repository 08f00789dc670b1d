//! `docs/service-map.md`: who calls whom and who reads whose events, drawn from the declarations in the source.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use syn::visit::{self, Visit};

use super::Finding;
use super::tree::Tree;
use crate::workspace;

const PATH: &str = "docs/service-map.md";

/// What a `ServiceDef` declares.
#[derive(Debug, Default, PartialEq)]
struct Declared {
    /// What the file's header says of it in one sentence.
    purpose: String,
    calls: Vec<String>,
    reads: Vec<String>,
}

/// Writes the map.
pub fn write() -> Result<()> {
    let path = workspace::root().join(PATH);
    std::fs::create_dir_all(path.parent().context("the map lies in a folder")?)?;
    std::fs::write(&path, render(&declarations(&Tree::read()?))).with_context(|| format!("cannot write {PATH}"))
}

/// The map is that of the source.
pub fn is_current(tree: &Tree) -> Vec<Finding> {
    let expected = render(&declarations(tree));
    let found = tree.files.iter().find(|f| f.path == PATH).map_or("", |f| &f.text);
    let line = expected.lines().zip(found.lines()).take_while(|(a, b)| a == b).count() + 1;
    let old = || Finding::new(PATH, line, "the map is not that of the source; draw it again: cargo xtask service-map");
    (found != expected).then(old).into_iter().collect()
}

fn declarations(tree: &Tree) -> BTreeMap<String, Declared> {
    let mut all = BTreeMap::new();
    // The simulator has a service of its own, which is none of haat's.
    let of_haat = |path: &str| path.starts_with("haat/src/") && !path.starts_with("haat/src/sim/");
    for (file, code) in tree.production().filter(|(f, _)| f.in_service().is_some() || of_haat(&f.path)) {
        let mut found = Declarations(Vec::new());
        found.visit_file(&code.tree);
        for (name, declared) in found.0 {
            let header = file.text.lines().next().unwrap_or("").trim_start_matches("//!").trim();
            let purpose = header.strip_prefix(&format!("{name}: ")).unwrap_or(header).to_owned();
            all.insert(name, Declared { purpose, ..declared });
        }
    }
    all
}

struct Declarations(Vec<(String, Declared)>);

impl<'ast> Visit<'ast> for Declarations {
    fn visit_expr_struct(&mut self, value: &'ast syn::ExprStruct) {
        if value.path.segments.last().is_some_and(|s| s.ident == "ServiceDef") {
            let texts = |field: &str| {
                let named = value.fields.iter().find(|f| matches!(&f.member, syn::Member::Named(name) if name == field));
                let mut texts = Texts(Vec::new());
                named.into_iter().for_each(|f| texts.visit_expr(&f.expr));
                texts.0
            };
            if let Some(name) = texts("name").pop() {
                self.0.push((name, Declared { purpose: String::new(), calls: texts("calls"), reads: texts("reads") }));
            }
        }
        visit::visit_expr_struct(self, value);
    }
}

struct Texts(Vec<String>);

impl<'ast> Visit<'ast> for Texts {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.0.push(text.value());
    }
}

fn render(services: &BTreeMap<String, Declared>) -> String {
    let mut text = String::from(
        "# Services\n\nDrawn by `cargo xtask service-map` from the declarations in the source. \
         A solid arrow is a call that is answered now, a dotted one events that are read.\n\n```mermaid\nflowchart LR\n",
    );
    for (name, declared) in services {
        text += &format!("  {name}\n");
        declared.calls.iter().for_each(|other| text += &format!("  {name} --> {other}\n"));
        declared.reads.iter().for_each(|other| text += &format!("  {other} -.-> {name}\n"));
    }
    text += "```\n\n| service | what it is for | calls | reads the events of |\n| --- | --- | --- | --- |\n";
    for (name, declared) in services {
        text += &format!("| {name} | {} | {} | {} |\n", declared.purpose, declared.calls.join(", "), declared.reads.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::*;

    const ORDERS: (&str, &str) = (
        "services/orders/src/lib.rs",
        "//! orders: what was bought.\n\npub const SERVICE: ServiceDef = ServiceDef { name: \"orders\", calls: &[\"cart\", \"payments\"], reads: &[\"payments\"], build };",
    );

    #[test]
    fn the_map_shows_what_the_source_declares() {
        let map = render(&declarations(&Tree::of(&[ORDERS])));
        for part in ["  orders --> cart\n", "  payments -.-> orders\n", "| orders | what was bought. | cart, payments | payments |\n"] {
            assert!(map.contains(part), "{part}: {map}");
        }
    }

    #[test]
    fn an_old_map_is_named() {
        let map = render(&declarations(&Tree::of(&[ORDERS])));
        assert!(said(is_current, &[ORDERS, (PATH, &map)]).is_empty());
        let found = said(is_current, &[ORDERS, (PATH, &map.replace("  orders --> cart\n", ""))]);
        assert_eq!(found, ["docs/service-map.md:8: the map is not that of the source; draw it again: cargo xtask service-map"]);
        assert_eq!(said(is_current, &[ORDERS]).len(), 1, "no map at all");
    }
}
