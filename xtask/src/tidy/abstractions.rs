//! A trait has two implementations or does not exist; services have no generics.

use super::Finding;
use super::code::{Code, Kind};
use super::tree::Tree;

/// Traits with fewer than two implementations that earn their place, each with the reason.
const ALLOWED: &[(&str, &str)] = &[("Work", "erases the types of a closure and its answer, so that one queue holds them all")];

/// Traits in production code that only one type implements.
pub fn traits(tree: &Tree) -> Vec<Finding> {
    let implemented: Vec<String> = tree.production().flat_map(|(_, code)| implementations(code)).collect();
    let mut found = Vec::new();
    for (file, code) in tree.production().filter(|(f, _)| !f.path.starts_with("xtask/")) {
        for (index, word) in code.production_words().filter(|(i, w)| w.text == "trait" && is_declared(code, *i)) {
            let name = &code.words[index + 1].text;
            let count = implemented.iter().filter(|n| *n == name).count();
            if count < 2 && !ALLOWED.iter().any(|(allowed, _)| allowed == name) {
                let text = format!("trait {name} has {count} implementations in production; two or more, or use the type itself");
                found.push(Finding::new(&file.path, word.line, text));
            }
        }
    }
    found
}

fn is_declared(code: &Code, index: usize) -> bool {
    code.words[index].kind == Kind::Name && code.words.get(index + 1).is_some_and(|w| w.kind == Kind::Name)
}

/// The names of the traits that the file's `impl … for …` are of, also inside macros.
fn implementations(code: &Code) -> Vec<String> {
    let starts = code.production_words().filter(|(_, w)| w.kind == Kind::Name && w.text == "impl").map(|(index, _)| index + 1);
    starts.flat_map(|start| implemented(code, start)).collect()
}

/// A macro that implements a trait for a type it is given does so for many: it counts twice.
fn implemented(code: &Code, start: usize) -> Vec<String> {
    let Some((name, at)) = implemented_name(code, start) else { return Vec::new() };
    let by_macro = code.reads(at + 1, &["$"]);
    vec![name; if by_macro { 2 } else { 1 }]
}

/// The trait's name and where `for` stands.
fn implemented_name(code: &Code, start: usize) -> Option<(String, usize)> {
    let (mut depth, mut name) = (0, None);
    for (offset, word) in code.words.get(start..)?.iter().enumerate() {
        // The arrow of a function type closes nothing.
        let arrow = word.text == ">" && code.words[start + offset - 1].text == "-";
        match word.text.as_str() {
            "<" => depth += 1,
            ">" if !arrow => depth -= 1,
            "for" if depth == 0 => return name.map(|name| (name, start + offset)),
            "{" | ";" | ")" | "," | "=" if depth == 0 => return None,
            _ if depth == 0 && word.kind == Kind::Name => name = Some(word.text.clone()),
            _ => {}
        }
    }
    None
}

/// The parts of a service whose structs have no type parameters.
const PLAIN: &[&str] = &["lib", "app", "store", "http", "rpc", "consumers", "sagas", "jobs"];

/// What a service is made of has no type parameters.
pub fn generics(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, code) in tree.production().filter(|(f, _)| PLAIN.iter().any(|part| f.is_part(part))) {
        for item in &code.tree.items {
            let syn::Item::Struct(item) = item else { continue };
            if let Some(parameter) = item.generics.type_params().next() {
                let text = format!("{} is generic over {}; services have no generics", item.ident, parameter.ident);
                found.push(Finding::new(&file.path, item.ident.span().start().line, text));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::*;

    #[test]
    fn a_trait_with_one_implementation_is_named() {
        let one = "pub trait Provider {}\nimpl Provider for Sandbox {}";
        let found = said(traits, &[("services/payments/src/app.rs", one)]);
        assert_eq!(
            found,
            ["services/payments/src/app.rs:1: trait Provider has 1 implementations in production; two or more, or use the type itself"]
        );
        let second = ("services/payments/src/rpc.rs", "impl<T: Fn() -> u8> super::Provider for Card<T> where T: Copy {}");
        assert!(said(traits, &[("services/payments/src/app.rs", one), second]).is_empty());
        let in_tests = ("services/payments/tests/it/main.rs", "impl Provider for Fake {}");
        assert_eq!(said(traits, &[("services/payments/src/app.rs", one), in_tests]).len(), 1, "a fake does not count");
    }

    #[test]
    fn implementations_are_read_in_all_their_forms() {
        let names = |text: &str| implementations(&Code::parse(text).expect("parses"));
        assert_eq!(names("impl A for B {}"), ["A"]);
        assert_eq!(names("impl<T> a::b::A<T> for B<T> {}"), ["A"]);
        assert_eq!(names("macro_rules! m { ($t:ty) => { impl A for $t { } } }"), ["A", "A"]);
        assert!(names("impl B { fn f(x: impl Fn(u8) -> u8) -> impl Iterator<Item = u8> { for a in b {} } }").is_empty());
    }

    #[test]
    fn a_generic_service_is_named() {
        let bad = "pub struct App<S> { store: S }";
        assert_eq!(
            said(generics, &[("services/orders/src/app.rs", bad)]),
            ["services/orders/src/app.rs:1: App is generic over S; services have no generics"]
        );
        assert!(said(generics, &[("services/orders/src/app.rs", "struct Rows<'a>(&'a [u8]);")]).is_empty());
    }
}
