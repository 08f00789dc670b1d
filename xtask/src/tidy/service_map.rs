//! `docs/service-map.md`: who calls whom and who reads whose events, drawn from the declarations in the source.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Finding;
use super::code::Code;
use super::tree::Tree;
use crate::workspace;

const PATH: &str = "docs/service-map.md";
/// What a service declares that calls all others (`kit::channel::EVERY_SERVICE`).
const EVERY_SERVICE: &str = "*";

/// What a `ServiceDef` declares.
#[derive(Clone, Debug, Default, PartialEq)]
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
    let (services, unread) = declarations(&Tree::read()?);
    if !unread.is_empty() {
        bail!("the map would not be whole:\n{}", unread.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n"));
    }
    std::fs::write(&path, render(&services)).with_context(|| format!("cannot write {PATH}"))
}

/// The map is that of the source.
pub fn is_current(tree: &Tree) -> Vec<Finding> {
    let (services, unread) = declarations(tree);
    if !unread.is_empty() {
        return unread;
    }
    let expected = render(&services);
    let found = tree.files.iter().find(|f| f.path == PATH).map_or("", |f| &f.text);
    let line = expected.lines().zip(found.lines()).take_while(|(a, b)| a == b).count() + 1;
    let old = || Finding::new(PATH, line, "the map is not that of the source; draw it again: cargo xtask service-map");
    (found != expected).then(old).into_iter().collect()
}

/// What the services declare, by their names; and what cannot be read of it, so that none is left out without a word.
fn declarations(tree: &Tree) -> (BTreeMap<String, Declared>, Vec<Finding>) {
    let (mut all, mut unread) = (BTreeMap::new(), Vec::new());
    let anywhere = constants(tree.production().map(|(_, code)| code));
    // The simulator has a service of its own, which is none of haat's.
    let of_haat = |path: &str| path.starts_with("haat/src/") && !path.starts_with("haat/src/sim/");
    for (file, code) in tree.production().filter(|(f, _)| f.in_service().is_some() || of_haat(&f.path)) {
        // Of constants with one name that of the same file is meant.
        let constants = anywhere.clone().into_iter().chain(constants([code])).collect();
        let mut found = Declarations { constants, all: Vec::new(), unread: Vec::new() };
        found.visit_file(&code.tree);
        let text = |field| format!("`{field}` of a service cannot be read here: write it as text, or as a constant that is text");
        unread.extend(found.unread.into_iter().map(|(line, field)| Finding::new(&file.path, line, text(field))));
        for (name, declared) in found.all {
            let header = file.text.lines().next().unwrap_or("").trim_start_matches("//!").trim();
            let purpose = header.strip_prefix(&format!("{name}: ")).unwrap_or(header).to_owned();
            all.insert(name, Declared { purpose, ..declared });
        }
    }
    (all, unread)
}

/// Constants that are text, by their names.
fn constants<'a>(code: impl IntoIterator<Item = &'a Code>) -> BTreeMap<String, String> {
    let items = code.into_iter().flat_map(|code| &code.tree.items);
    let text = |item: &syn::Item| match item {
        syn::Item::Const(syn::ItemConst { ident, expr, .. }) => match &**expr {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some((ident.to_string(), text.value())),
            _ => None,
        },
        _ => None,
    };
    items.filter_map(text).collect()
}

struct Declarations {
    constants: BTreeMap<String, String>,
    all: Vec<(String, Declared)>,
    /// The line and the field of what is no text.
    unread: Vec<(usize, &'static str)>,
}

impl<'ast> Visit<'ast> for Declarations {
    fn visit_expr_struct(&mut self, value: &'ast syn::ExprStruct) {
        // What is made of another declaration is no service of its own.
        if value.path.segments.last().is_some_and(|s| s.ident == "ServiceDef") && value.rest.is_none() {
            let (names, calls, reads) = (self.texts(value, "name"), self.texts(value, "calls"), self.texts(value, "reads"));
            let declared = Declared { purpose: String::new(), calls, reads };
            self.all.extend(names.into_iter().map(|name| (name, declared.clone())));
        }
        visit::visit_expr_struct(self, value);
    }
}

impl Declarations {
    /// The texts of a field.
    fn texts(&mut self, value: &syn::ExprStruct, name: &'static str) -> Vec<String> {
        let mut texts = Texts { constants: &self.constants, all: Vec::new(), is_unread: false };
        let field = value.fields.iter().find(|f| matches!(&f.member, syn::Member::Named(named) if named == name));
        field.into_iter().for_each(|f| texts.visit_expr(&f.expr));
        if texts.is_unread || field.is_none() {
            self.unread.push((field.map_or(value.span(), Spanned::span).start().line, name));
        }
        texts.all
    }
}

/// Text, as itself or as a constant.
struct Texts<'a> {
    constants: &'a BTreeMap<String, String>,
    all: Vec<String>,
    /// There was something else.
    is_unread: bool,
}

impl<'ast> Visit<'ast> for Texts<'_> {
    fn visit_expr(&mut self, expr: &'ast syn::Expr) {
        match expr {
            syn::Expr::Reference(_) | syn::Expr::Array(_) => visit::visit_expr(self, expr),
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => self.all.push(text.value()),
            syn::Expr::Path(path) => {
                let name = path.path.segments.last().map(|s| s.ident.to_string());
                match name.and_then(|name| self.constants.get(&name)) {
                    Some(text) => self.all.push(text.clone()),
                    None => self.is_unread = true,
                }
            }
            _ => self.is_unread = true,
        }
    }
}

fn render(services: &BTreeMap<String, Declared>) -> String {
    let mut text = String::from(
        "# Services\n\nDrawn by `cargo xtask service-map` from the declarations in the source. \
         A solid arrow is a call that is answered now, a dotted one events that are read.\n\n```mermaid\nflowchart LR\n",
    );
    for (name, declared) in services {
        text += &format!("  {name}\n");
        for other in &declared.calls {
            // A name of its own: mermaid takes no asterisk for one.
            let other = if other == EVERY_SERVICE { "every([every service])" } else { other };
            text += &format!("  {name} --> {other}\n");
        }
        declared.reads.iter().for_each(|other| text += &format!("  {other} -.-> {name}\n"));
    }
    text += "```\n\n| service | what it is for | calls | reads the events of |\n| --- | --- | --- | --- |\n";
    for (name, declared) in services {
        let calls = declared.calls.join(", ").replace(EVERY_SERVICE, "every service");
        text += &format!("| {name} | {} | {calls} | {} |\n", declared.purpose, declared.reads.join(", "));
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
        let map = render(&declarations(&Tree::of(&[ORDERS])).0);
        for part in ["  orders --> cart\n", "  payments -.-> orders\n", "| orders | what was bought. | cart, payments | payments |\n"] {
            assert!(map.contains(part), "{part}: {map}");
        }
    }

    #[test]
    fn a_constant_is_the_text_that_it_stands_for() {
        let service = |folder: &str, calls: &str| {
            let path = format!("services/{folder}/src/lib.rs");
            let text = format!(
                "//! {folder}: what it does.\nconst NAME: &str = \"{folder}\";\n\
                 pub const SERVICE: ServiceDef = ServiceDef {{ name: NAME, calls: &[\"cart\", {calls}], reads: &[], build }};"
            );
            (path, text)
        };
        let every = ("crates/kit/src/channel.rs".to_owned(), "pub const EVERY_SERVICE: &str = \"*\";".to_owned());
        let files = [service("gateway", "kit::channel::EVERY_SERVICE"), service("notifications", "NAME"), every];
        let map = render(&declarations(&Tree::of(&files.each_ref().map(|(path, text)| (path.as_str(), text.as_str())))).0);
        for part in [
            "  gateway --> cart\n  gateway --> every([every service])\n",
            "| gateway | what it does. | cart, every service |  |\n",
            "| notifications | what it does. | cart, notifications |  |\n",
        ] {
            assert!(map.contains(part), "{part}: {map}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let map = render(&declarations(&Tree::of(&[ORDERS])).0);
        let said = |declared: &str| {
            let text = format!("//! x\npub const SERVICE: ServiceDef = ServiceDef {{ {declared} }};");
            said(is_current, &[ORDERS, ("services/x/src/lib.rs", &text), (PATH, &map)])
        };
        for (field, declared) in [
            ("name", "name: kit::NAMED, calls: &[], reads: &[], build"),
            ("name", "name: concat!(\"x\", \"y\"), calls: &[], reads: &[], build"),
            ("name", "name, calls: &[], reads: &[], build"),
            ("name", "calls: &[], reads: &[], build"),
            ("calls", "name: \"x\", calls: CALLS, reads: &[], build"),
            ("reads", "name: \"x\", calls: &[], reads: &[\"orders\", OTHERS], build"),
        ] {
            let expected = format!(
                "services/x/src/lib.rs:2: `{field}` of a service cannot be read here: write it as text, or as a constant that is text"
            );
            assert_eq!(said(declared), [expected], "{declared}");
        }
        assert!(said("calls: &[], ..SERVICE").is_empty(), "made of another");
    }

    #[test]
    fn an_old_map_is_named() {
        let map = render(&declarations(&Tree::of(&[ORDERS])).0);
        assert!(said(is_current, &[ORDERS, (PATH, &map)]).is_empty());
        let found = said(is_current, &[ORDERS, (PATH, &map.replace("  orders --> cart\n", ""))]);
        assert_eq!(found, ["docs/service-map.md:8: the map is not that of the source; draw it again: cargo xtask service-map"]);
        assert_eq!(said(is_current, &[ORDERS]).len(), 1, "no map at all");
    }
}
