//! Single words that must not stand in source.

use super::Finding;
use super::code::{Code, Kind};
use super::tree::Tree;

/// Production code does not panic without saying why it cannot, and switches no lint off without a reason.
pub fn production(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, code) in tree.production() {
        for (index, word) in code.production_words() {
            if let Some(text) =
                unfinished(code, index).or_else(|| panics(code, index)).or_else(|| silenced(code, index)).or_else(|| unfair(code, index))
            {
                found.push(Finding::new(&file.path, word.line, text));
            }
        }
    }
    found
}

fn unfinished(code: &Code, index: usize) -> Option<String> {
    let name = ["todo", "unimplemented", "dbg"].iter().find(|name| code.reads(index, &[name, "!"]))?;
    Some(format!("{name}! in source; finish it"))
}

fn panics(code: &Code, index: usize) -> Option<String> {
    if code.reads(index, &[".", "unwrap", "(", ")"]) {
        return Some("unwrap(); return the error, or expect(\"why it cannot fail\")".into());
    }
    let reason = code.words.get(index + 3).filter(|w| w.kind == Kind::Text && code.reads(index, &[".", "expect", "("]))?;
    let says_why = reason.text.split_whitespace().count() > 2;
    (!says_why).then(|| format!("expect({:?}); say why it cannot fail, in words", reason.text))
}

fn silenced(code: &Code, index: usize) -> Option<String> {
    let verb = ["allow", "expect"].iter().find(|verb| code.reads(index, &["[", verb, "("]))?;
    let inside = code.words[index + 3..].iter().take_while(|w| w.text != "]");
    let reasoned = inside.into_iter().any(|w| w.kind == Kind::Name && w.text == "reason");
    (!reasoned).then(|| format!("#[{verb}(…)] without a reason; add reason = \"…\""))
}

fn unfair(code: &Code, index: usize) -> Option<String> {
    let select = code.reads(index, &["select", "!", "{"]) && !code.reads(index + 3, &["biased", ";"]);
    select.then(|| "select! in random order; begin with biased; so that runs can be repeated".into())
}

/// Tests wait on conditions and are all run.
pub fn tests(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, code) in tree.rust() {
        for (index, word) in code.words.iter().enumerate() {
            let sleeps = word.kind == Kind::Name
                && matches!(word.text.as_str(), "sleep" | "sleep_until" | "sleep_ms")
                && code.reads(index + 1, &["("]);
            if sleeps && (file.is_test() || code.is_test_line(word.line)) {
                found.push(Finding::new(&file.path, word.line, format!("{}() in a test; wait on a condition", word.text)));
            }
            if code.reads(index, &["#", "[", "ignore"]) {
                found.push(Finding::new(&file.path, word.line, "an ignored test; mend it or remove it"));
            }
        }
    }
    found
}

/// Put together here, so that this file does not contain them.
const WORDS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("HA", "CK")];
const PHRASES: &[&str] = &[concat!("issue", " #"), concat!("/wo", "rk/"), concat!("lorem", " ipsum")];

/// Notes to oneself and references that a reader of this repository cannot follow.
pub fn words(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in &tree.files {
        for (index, line) in file.text.lines().enumerate() {
            let lower = line.to_lowercase();
            let phrase = PHRASES.iter().find(|phrase| lower.contains(**phrase));
            let word = || line.split(|c: char| !c.is_alphanumeric()).find_map(|w| WORDS.iter().find(|word| **word == w));
            if let Some(text) = phrase.or_else(word) {
                found.push(Finding::new(&file.path, index + 1, format!("{text:?}; do it now, or write down what is true without it")));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests_of_habits {
    use super::super::said;
    use super::*;

    fn in_production(text: &str) -> Vec<String> {
        said(production, &[("services/orders/src/app.rs", text)])
    }

    #[test]
    fn panics_without_a_reason_are_named() {
        assert_eq!(
            in_production("fn f() {\n a.unwrap();\n}"),
            ["services/orders/src/app.rs:2: unwrap(); return the error, or expect(\"why it cannot fail\")"]
        );
        assert_eq!(in_production("fn f() { a.expect(\"works\"); }").len(), 1);
        assert!(in_production("fn f() { a.expect(\"the list was checked above\"); b.unwrap_or(0); }").is_empty());
        assert_eq!(in_production("fn f() { m!(a.unwrap()); }").len(), 1, "also in a macro");
        assert!(in_production("#[cfg(test)]\nmod tests { fn f() { a.unwrap(); } }").is_empty());
        assert!(said(production, &[("services/orders/tests/it/main.rs", "fn f() { a.unwrap(); }")]).is_empty());
    }

    #[test]
    fn unfinished_silenced_and_unfair_code_is_named() {
        for bad in
            ["fn f() { todo!() }", "#[allow(dead_code)]\nfn f() {}", "fn f() { tokio::select! { x = y => {} } }", "fn f() { dbg!(a); }"]
        {
            assert_eq!(in_production(bad).len(), 1, "{bad}");
        }
        assert!(in_production("#[allow(dead_code, reason = \"for PostgreSQL\")]\nfn f() { select! { biased; x = y => {} } }").is_empty());
    }

    #[test]
    fn tests_neither_sleep_nor_are_ignored() {
        let bad = "#[test]\n#[ignore = \"slow\"]\nfn f() {\n tokio::time::sleep(d);\n}";
        let found = said(tests, &[("services/orders/tests/it/main.rs", bad)]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].starts_with("services/orders/tests/it/main.rs:4: sleep() in a test"));
        assert!(said(tests, &[("crates/kit/src/jobs.rs", "async fn f() { tokio::time::sleep(d).await }")]).is_empty());
    }

    #[test]
    fn notes_to_oneself_are_named() {
        let note = format!("# Notes\n{}: later, see {} 3\n", WORDS[0], PHRASES[0]);
        assert_eq!(said(words, &[("docs/a.md", &note)]).len(), 1);
        assert!(said(words, &[("docs/a.md", "# Notes\nTodos are done.\n")]).is_empty());
    }
}
