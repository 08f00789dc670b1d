//! Documents say what is there.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::Tree;

/// Links between documents lead somewhere.
pub fn links(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|f| f.path.ends_with(".md")) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, target) in targets(&file.text) {
            let outside = target.contains("://") || target.starts_with("mailto:") || target.starts_with('#');
            let path = target.split('#').next().unwrap_or("");
            if !outside && !tree.exists(&resolve(folder, path)) {
                found.push(Finding::new(&file.path, line, format!("the link {target:?} leads nowhere; allowed: files of this repository")));
            }
        }
    }
    found
}

/// The README says in two commands how to start haat and how to test it.
pub fn readme(tree: &Tree) -> Vec<Finding> {
    let text = tree.files.iter().find(|f| f.path == "README.md").map_or("", |f| &f.text);
    let missing = ["-- demo", "cargo xtask test"].into_iter().filter(|command| !text.contains(command));
    missing.map(|command| Finding::new("README.md", 1, format!("does not name the command `… {command}`"))).collect()
}

/// Alerts, dashboards and pages name metrics that there are.
pub fn metrics(tree: &Tree) -> Vec<Finding> {
    let source = |f: &&super::tree::File| f.path.ends_with(".rs") && !f.path.starts_with("xtask/");
    let there: BTreeSet<&str> = tree.files.iter().filter(source).flat_map(|f| metrics_in(&f.text)).map(|(_, name)| name).collect();
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|f| f.path.starts_with("deploy/") || f.path.starts_with("docs/operations/")) {
        for (line, name) in metrics_in(&file.text) {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
            if !there.contains(name) && !there.contains(base) {
                found.push(Finding::new(&file.path, line, format!("there is no metric {name}; allowed: those that the source sets")));
            }
        }
    }
    found
}

/// Words that begin as haat's metrics do, with their lines.
fn metrics_in(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        words.filter(|word| word.starts_with("haat_")).map(move |word| (index + 1, word))
    })
}

/// The targets of `[text](target)`, outside of code.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        let prose = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for part in prose.split("](").skip(1).filter(|_| !in_code) {
            let target = part.split([')', ' ']).next().unwrap_or("");
            found.push((index + 1, target.to_owned()));
        }
    }
    found
}

fn resolve(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.retain(|p| !p.is_empty());
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::*;

    #[test]
    fn a_link_to_nothing_is_named() {
        let text = "See [a](how-to/a.md#b), [up](../README.md), [out](https://haat.test), [here](#x), `[code](no)`.\n\n[gone](b.md)\n";
        let tree = [("docs/index.md", text), ("docs/how-to/a.md", ""), ("README.md", "[docs](docs)")];
        assert_eq!(said(links, &tree), ["docs/index.md:3: the link \"b.md\" leads nowhere; allowed: files of this repository"]);
    }

    #[test]
    fn the_two_commands_are_named() {
        let text = "```\ncargo run --release -- demo\ncargo xtask test\n```\n";
        assert!(said(readme, &[("README.md", text)]).is_empty());
        assert_eq!(said(readme, &[("README.md", "cargo xtask test")]).len(), 1);
        assert_eq!(said(readme, &[]).len(), 2);
    }

    #[test]
    fn metrics_that_nobody_sets_are_named() {
        let source = ("crates/kit/src/a.rs", "fn f() { metrics::histogram!(\"haat_a_seconds\"); }");
        let rules = ("deploy/rules.yml", "rate(haat_a_seconds_bucket[5m])\nhaat_a_seconds > 1\nhaat_b_total > 1\n");
        assert_eq!(
            said(metrics, &[source, rules]),
            ["deploy/rules.yml:3: there is no metric haat_b_total; allowed: those that the source sets"]
        );
    }

    #[test]
    fn code_blocks_have_no_links() {
        assert!(said(links, &[("docs/index.md", "```\n[a](b)\n```\n")]).is_empty());
    }
}
