//! The same files in every service, and what each of them must not know.

use syn::visit::{self, Visit};

use super::Finding;
use super::code::Kind;
use super::tree::{File, Tree};

/// The files, or folders where one file would be too long, of a service's source.
const PARTS: &[&str] = &["lib", "domain", "app", "store", "http", "rpc", "consumers", "provider", "sagas", "jobs", "error", "config"];

/// Services that are an edge and own no rows; their parts are named by what a request passes.
const EDGES: &[&str] = &["gateway", "web"];

/// What rules must not know of. They are told the time, the ids and the rows.
const FOREIGN_TO_RULES: &[&str] = &[
    "async",
    "await",
    "tokio",
    "futures",
    "axum",
    "tonic",
    "hyper",
    "http",
    "rusqlite",
    "postgres",
    "tracing",
    "rand",
    "Tx",
    "Db",
    "Query",
    "Clock",
    "Ids",
    "Env",
    "Channel",
    "SystemTime",
    "Instant",
    "spawn",
    "println",
    "eprintln",
];

/// Parts of std that reach outside.
const OUTSIDE: &[&str] = &["fs", "net", "io", "env", "process", "thread"];

/// Files of a service's source are the known ones.
pub fn places_of_files(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in &tree.files {
        let Some((service, rest)) = file.in_service() else { continue };
        let known = PARTS.iter().any(|part| file.is_part(part));
        if rest.starts_with("src/") && !known && !EDGES.contains(&service) {
            let text = format!("a service's source is made of {}, or folders of these names", PARTS.join(".rs, ") + ".rs");
            found.push(Finding::new(&file.path, 1, text));
        }
        let test = rest.starts_with("tests/") && file.path.ends_with(".rs");
        if test && !rest.starts_with("tests/it/") {
            found.push(Finding::new(&file.path, 1, "a second test binary; the tests of a service are modules of tests/it/main.rs"));
        }
    }
    found
}

/// Every service has tests of its use cases.
pub fn tests_are_there(tree: &Tree) -> Vec<Finding> {
    let services = tree.files.iter().filter_map(|f| f.in_service()).filter(|(_, rest)| *rest == "src/lib.rs").map(|(service, _)| service);
    let tests = services.map(|service| format!("services/{service}/tests/it/main.rs"));
    let missing = tests.filter(|path| !tree.exists(path));
    missing.map(|path| Finding::new(&path, 1, "not there; a service tests its use cases on both engines")).collect()
}

/// What a service shows.
const SHOWN: &[&str] = &["SERVICE", "Config"];

/// A service shows two names, `SERVICE` and `Config`, and says in its header what it owns and whom it speaks with.
pub fn exports(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, code) in tree.rust().filter(|(f, _)| f.in_service().is_some_and(|(_, rest)| rest == "src/lib.rs")) {
        let in_config = types_in_config(&code.tree);
        for item in &code.tree.items {
            if let Some((line, name)) = shown(item).filter(|(_, n)| !SHOWN.contains(&n.as_str()) && !in_config.contains(n)) {
                found.push(Finding::new(&file.path, line, format!("{name} is public; a service shows SERVICE and Config, nothing else")));
            }
        }
        let header: String = file.text.lines().take_while(|l| l.starts_with("//!")).collect::<Vec<_>>().join("\n").to_lowercase();
        for word in ["owns", "publishes", "consumes", "calls"].iter().filter(|word| !header.contains(*word)) {
            found.push(Finding::new(&file.path, 1, format!("the header does not say what the service {word}")));
        }
    }
    found
}

/// What a public `Config` is made of is public with it.
fn types_in_config(tree: &syn::File) -> Vec<String> {
    let configs = tree.items.iter().filter_map(|item| if let syn::Item::Struct(s) = item { Some(s) } else { None });
    let mut names = Names(Vec::new());
    configs.filter(|s| s.ident == "Config").for_each(|s| names.visit_fields(&s.fields));
    names.0
}

struct Names(Vec<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
        self.0.push(segment.ident.to_string());
        visit::visit_path_segment(self, segment);
    }
}

/// A public item's line and name. What a `pub use` shows is its last name.
fn shown(item: &syn::Item) -> Option<(usize, String)> {
    let (visibility, name) = match item {
        syn::Item::Mod(i) => (&i.vis, i.ident.clone()),
        syn::Item::Fn(i) => (&i.vis, i.sig.ident.clone()),
        syn::Item::Struct(i) => (&i.vis, i.ident.clone()),
        syn::Item::Enum(i) => (&i.vis, i.ident.clone()),
        syn::Item::Trait(i) => (&i.vis, i.ident.clone()),
        syn::Item::Type(i) => (&i.vis, i.ident.clone()),
        syn::Item::Const(i) => (&i.vis, i.ident.clone()),
        syn::Item::Static(i) => (&i.vis, i.ident.clone()),
        syn::Item::Use(i) => (&i.vis, last_name(&i.tree)?),
        _ => return None,
    };
    matches!(visibility, syn::Visibility::Public(_)).then(|| (name.span().start().line, name.to_string()))
}

fn last_name(tree: &syn::UseTree) -> Option<syn::Ident> {
    match tree {
        syn::UseTree::Path(path) => last_name(&path.tree),
        syn::UseTree::Name(name) => Some(name.ident.clone()),
        syn::UseTree::Rename(rename) => Some(rename.rename.clone()),
        syn::UseTree::Group(group) => group.items.iter().find_map(|tree| last_name(tree).filter(|n| n != "Config" && n != "SERVICE")),
        syn::UseTree::Glob(_) => Some(syn::Ident::new("everything", proc_macro2::Span::call_site())),
    }
}

/// Rules are pure: no async, I/O, clock or SQL in `domain.rs`.
pub fn domain_is_pure(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, code) in tree.production().filter(|(f, _)| f.is_part("domain")) {
        for (index, word) in code.production_words().filter(|(_, w)| w.kind == Kind::Name) {
            let outside = OUTSIDE.iter().find(|part| code.reads(index, &["std", ":", ":", part]));
            let foreign = FOREIGN_TO_RULES.iter().find(|name| word.text == **name);
            let name = outside.map(|part| format!("std::{part}")).or_else(|| foreign.map(|name| (*name).to_owned()));
            // A field or method may have any name; what is used of another crate comes first in its path.
            let named_only = index > 0 && code.words[index - 1].text == "." && word.text != "await";
            if let Some(name) = name.filter(|_| !named_only) {
                let text = format!("{name} in rules; domain.rs has no async, I/O, clock or database: let app.rs pass the value");
                found.push(Finding::new(&file.path, word.line, text));
            }
        }
    }
    found
}

/// Handlers and gRPC methods call use cases; they open no transactions.
pub fn edges_are_thin(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let edges = |file: &File| file.in_service().is_some_and(|(service, _)| EDGES.contains(&service));
    for (file, code) in tree.production().filter(|(f, _)| (f.is_part("http") || f.is_part("rpc")) && !edges(f)) {
        for (index, word) in code.production_words().filter(|(_, w)| w.kind == Kind::Name) {
            // Rows may be shown as they were read; reading them is the use case's.
            let called = code.words.get(index + 3).filter(|_| code.reads(index, &["store", ":", ":"]));
            let calls_store = called.is_some_and(|w| w.kind == Kind::Name && w.text.starts_with(char::is_lowercase));
            if calls_store || matches!(word.text.as_str(), "Tx" | "Db") {
                let text = format!("{} at the edge; http.rs and rpc.rs call one use case of app.rs each", word.text);
                found.push(Finding::new(&file.path, word.line, text));
            }
        }
    }
    found
}

/// A service that seals something declares how a start sees that it is given another master key.
pub fn what_is_sealed_is_declared(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, code) in tree.production() {
        let Some((service, _)) = file.in_service() else { continue };
        let Some((_, sealing)) = code.production_words().find(|(index, _)| code.reads(*index, &["seal", "("])) else { continue };
        let lib = tree.rust().find(|(f, _)| f.in_service() == Some((service, "src/lib.rs")));
        let is_declared = lib.is_some_and(|(_, lib)| lib.production_words().any(|(index, _)| lib.reads(index, &["sealed", ":", "Some"])));
        if !is_declared {
            found.push(Finding::new(
                &file.path,
                sealing.line,
                "something is sealed; the service's `sealed` in lib.rs says how to see under which key",
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::*;

    #[test]
    fn an_unknown_part_of_a_service_is_named() {
        let paths = ["src/lib.rs", "src/http/returns.rs", "src/domain/tests.rs", "tests/it/main.rs", "migrations/0001_orders.sql"];
        let fine: Vec<_> = paths.iter().map(|p| (format!("services/orders/{p}"), "")).collect();
        let fine: Vec<_> = fine.iter().map(|(p, t)| (p.as_str(), *t)).collect();
        assert!(said(places_of_files, &fine).is_empty());
        let found = said(places_of_files, &[("services/orders/src/utils.rs", ""), ("services/orders/tests/slow.rs", "")]);
        assert!(found[0].starts_with("services/orders/src/utils.rs:1: a service's source is made of lib.rs, domain.rs,"), "{found:?}");
        assert!(found[1].contains("second test binary"), "{found:?}");
        assert!(said(places_of_files, &[("services/gateway/src/limits.rs", "")]).is_empty());
    }

    #[test]
    fn a_service_without_tests_is_named() {
        let (lib, tests) = (("services/orders/src/lib.rs", ""), ("services/orders/tests/it/main.rs", ""));
        assert!(said(tests_are_there, &[lib, tests]).is_empty());
        assert_eq!(said(tests_are_there, &[lib]).len(), 1);
    }

    #[test]
    fn a_service_shows_two_names_and_has_a_header() {
        let header = "//! Orders. Owns: orders. Publishes: order.*. Consumes: payment.*. Calls: catalog.\n";
        let lib = |rest: &str| said(exports, &[("services/orders/src/lib.rs", &format!("{header}{rest}"))]);
        assert!(lib("mod app;\npub use config::Config;\npub const SERVICE: u8 = 1;\npub(crate) fn f() {}").is_empty());
        assert_eq!(lib("pub mod app;"), ["services/orders/src/lib.rs:2: app is public; a service shows SERVICE and Config, nothing else"]);
        assert!(lib("pub use domain::Limits;\npub struct Config { pub limits: Option<Limits> }").is_empty());
        assert_eq!(lib("pub use a::{Config, Order};").len(), 1);
        assert_eq!(said(exports, &[("services/orders/src/lib.rs", "//! Owns and publishes.")]).len(), 2);
    }

    #[test]
    fn rules_know_nothing_of_the_world() {
        let domain = |text: &str| said(domain_is_pure, &[("services/orders/src/domain.rs", text)]);
        assert!(domain("fn total(now: Time) -> Money { lines.http; sum(lines) }").is_empty());
        assert!(domain("#[cfg(test)]\nmod tests {\n use std::fs;\n}").is_empty());
        for bad in [
            "async fn f() {}",
            "fn f() { std::fs::read(p); }",
            "fn f(tx: &mut Tx) {}",
            "fn f() { Instant::now(); }",
            "fn f() { m!(x.await) }",
        ] {
            assert_eq!(domain(bad).len(), 1, "{bad}");
        }
        assert!(said(domain_is_pure, &[("services/orders/src/app.rs", "async fn f() {}")]).is_empty());
    }

    #[test]
    fn a_service_that_seals_something_declares_it() {
        let app = ("services/orders/src/app.rs", "fn f() {\n seal(&key, PURPOSE, nonce, plain, owner);\n}");
        let lib = |sealed| ("services/orders/src/lib.rs", format!("pub const SERVICE: ServiceDef = ServiceDef {{ sealed: {sealed} }};"));
        let said = |sealed| {
            let (path, text) = lib(sealed);
            said(what_is_sealed_is_declared, &[app, (path, &text)])
        };
        assert!(said("Some(app::SEALED)").is_empty());
        let expected =
            "services/orders/src/app.rs:2: something is sealed; the service's `sealed` in lib.rs says how to see under which key";
        assert_eq!(said("None"), [expected]);
    }

    #[test]
    fn edges_open_no_transactions() {
        let bad = "use crate::store::Line;\nasync fn place(app: App) {\n    app.db.write(|tx: &mut Tx| Ok(()));\n    store::lines(q);\n}";
        let found = said(edges_are_thin, &[("services/orders/src/http/orders.rs", bad), ("services/orders/src/app.rs", bad)]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], "services/orders/src/http/orders.rs:3: Tx at the edge; http.rs and rpc.rs call one use case of app.rs each");
    }
}
