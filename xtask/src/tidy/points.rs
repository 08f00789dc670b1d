//! Places at which the process can be told to die: what is named is there, and what is there is named.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::Tree;

const NAMED_IN: &str = "crates/kit/src/crash.rs";
const STRUCK_IN: &str = "xtask/src/storm/plan.rs";

/// The points that `kit::crash` names are those that the code comes to, and `cargo xtask storm` strikes no other.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let entries = |path: &str| -> BTreeMap<String, usize> {
        tree.files.iter().filter(|f| f.path == path).flat_map(|f| quoted(&f.text, "    (\"")).collect()
    };
    let (named, struck) = (entries(NAMED_IN), entries(STRUCK_IN));
    let mut passed: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for file in tree.files.iter().filter(|f| f.path.ends_with(".rs") && !f.path.starts_with("xtask/")) {
        passed.extend(quoted(&file.text, "crash::point(\"").map(|(name, line)| (name, (file.path.clone(), line))));
    }
    let mut found = Vec::new();
    for (name, (path, line)) in passed.iter().filter(|(name, _)| !named.contains_key(*name)) {
        found.push(Finding::new(path, *line, format!("crash point {name:?}; {NAMED_IN} does not name it")));
    }
    for (name, line) in named.iter().filter(|(name, _)| !passed.contains_key(*name)) {
        found.push(Finding::new(NAMED_IN, *line, format!("crash point {name:?}; nothing comes to it")));
    }
    for (name, line) in struck.iter().filter(|(name, _)| !named.contains_key(*name)) {
        found.push(Finding::new(STRUCK_IN, *line, format!("crash point {name:?}; {NAMED_IN} does not name it")));
    }
    found
}

/// What stands between `before` and the next quotation mark, with its line.
fn quoted<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = (String, usize)> + 'a {
    let rest = (1..).zip(text.lines()).filter_map(move |(number, line)| Some((number, line.split_once(before)?.1)));
    rest.filter_map(|(number, rest)| Some((rest.split_once('"')?.0.to_owned(), number)))
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::*;

    const NAMED: (&str, &str) = (NAMED_IN, "pub const POINTS: &[(&str, &str)] = &[\n    (\"a.b\", \"why\"),\n];");

    #[test]
    fn points_are_named_and_come_to() {
        let comes = ("services/a/src/lib.rs", "fn f() {\n    kit::crash::point(\"a.b\");\n}");
        assert_eq!(said(check, &[NAMED, comes]), Vec::<String>::new());
        assert_eq!(said(check, &[NAMED]), [format!("{NAMED_IN}:2: crash point \"a.b\"; nothing comes to it")]);
        assert_eq!(said(check, &[comes]), [format!("services/a/src/lib.rs:2: crash point \"a.b\"; {NAMED_IN} does not name it")]);
        let strikes = (STRUCK_IN, "const POINTS: &[(&str, u64)] = &[\n    (\"a.c\", 3),\n];");
        assert_eq!(said(check, &[NAMED, comes, strikes]), [format!("{STRUCK_IN}:2: crash point \"a.c\"; {NAMED_IN} does not name it")]);
    }
}
