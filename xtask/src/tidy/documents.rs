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

/// Documents name commands of `cargo xtask` that there are. Those of haat are looked at by its own tests.
pub fn commands(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|f| f.path.ends_with(".md") && f.path != "CHANGELOG.md") {
        for (index, line) in file.text.lines().enumerate() {
            for rest in line.split("cargo xtask ").skip(1) {
                let command = rest.split(['`', '#']).next().unwrap_or("").trim();
                let words = command.split_whitespace();
                if let Err(refusal) = crate::accepts(words.clone()) {
                    found.push(Finding::new(&file.path, index + 1, format!("cargo xtask {command}: {refusal}")));
                }
            }
        }
    }
    found
}

/// Where each metric is explained to who asks for them.
const METRICS: &str = "crates/kit/src/telemetry/figures.rs";
/// Where they are explained to people.
const METRICS_PAGE: &str = "docs/operations/watching.md";

/// Alerts, dashboards and pages name metrics that there are; those are set somewhere, and on the page.
pub fn metrics(tree: &Tree) -> Vec<Finding> {
    let words_of = |wanted: &dyn Fn(&str) -> bool| -> BTreeSet<&str> {
        let files = tree.files.iter().filter(|f| wanted(&f.path));
        files.flat_map(|f| metrics_in(&f.text)).map(|(_, name)| name).collect()
    };
    let there = words_of(&|path| path == METRICS);
    let set = words_of(&|path| path.ends_with(".rs") && path != METRICS && !path.starts_with("xtask/"));
    let shown = words_of(&|path| path == METRICS_PAGE);
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|f| f.path == METRICS) {
        for (line, name) in metrics_in(&file.text) {
            if !set.contains(name) && !file.text.contains(&format!("gauge!(\"{name}\"")) {
                found.push(Finding::new(METRICS, line, format!("nobody sets the metric {name}")));
            }
            if !shown.contains(name) {
                found.push(Finding::new(METRICS, line, format!("{METRICS_PAGE} does not name the metric {name}")));
            }
        }
    }
    for file in tree.files.iter().filter(|f| f.path.starts_with("deploy/") || f.path.starts_with("docs/operations/")) {
        for (line, name) in metrics_in(&file.text) {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
            if !there.contains(name) && !there.contains(base) {
                found.push(Finding::new(&file.path, line, format!("there is no metric {name}; allowed: those in {METRICS}")));
            }
        }
    }
    found
}

/// Each alert has a page that says what to do, and the page says of which alert.
pub fn runbooks(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|f| f.path.ends_with(".rules.yml")) {
        let mut alert = None;
        for (index, line) in file.text.lines().enumerate() {
            let missing = |what: String| Finding::new(&file.path, index + 1, what);
            if let Some(name) = line.trim().strip_prefix("- alert: ") {
                found.extend(alert.replace(name).map(|before| missing(format!("the alert {before} names no runbook"))));
            }
            if let Some(page) = line.trim().strip_prefix("runbook: ") {
                let text = tree.files.iter().find(|f| f.path == page).map_or("", |f| &f.text);
                if let Some(name) = alert.take().filter(|name| !text.contains(&format!("`{name}`"))) {
                    found.push(missing(format!("the runbook {page} does not name the alert {name}")));
                }
            }
        }
        found.extend(alert.map(|name| Finding::new(&file.path, 1, format!("the alert {name} names no runbook"))));
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
    fn commands_that_are_not_there_are_named() {
        let text = "Run `cargo xtask tidy`, then\n```\ncargo xtask test clippy  # one stage\n```\n";
        assert!(said(commands, &[("README.md", text)]).is_empty());
        let wrong = ["cargo xtask tidi", "cargo xtask test clipy", "cargo xtask storm --lives 3"];
        for text in wrong {
            let found = said(commands, &[("README.md", text), ("CHANGELOG.md", text)]);
            assert!(found.len() == 1 && found[0].starts_with("README.md:1: cargo xtask"), "{text}: {found:?}");
        }
    }

    #[test]
    fn metrics_that_nobody_sets_or_explains_are_named() {
        let explained = ("crates/kit/src/telemetry/figures.rs", "(\"haat_a_seconds\", \"A.\"),\n(\"haat_c\", \"C.\"),\n");
        let source = ("crates/kit/src/a.rs", "fn f() { metrics::histogram!(\"haat_a_seconds\"); }");
        let rules = ("deploy/rules.yml", "rate(haat_a_seconds_bucket[5m])\nhaat_a_seconds > 1\nhaat_b_total > 1\n");
        let page = ("docs/operations/watching.md", "`haat_a_seconds`");
        assert_eq!(
            said(metrics, &[explained, source, rules, page]),
            [
                "crates/kit/src/telemetry/figures.rs:2: nobody sets the metric haat_c",
                "crates/kit/src/telemetry/figures.rs:2: docs/operations/watching.md does not name the metric haat_c",
                "deploy/rules.yml:3: there is no metric haat_b_total; allowed: those in crates/kit/src/telemetry/figures.rs"
            ]
        );
    }

    #[test]
    fn alerts_without_a_page_are_named() {
        let rules = "- alert: A\n  runbook: docs/a.md\n- alert: B\n- alert: C\n  runbook: docs/a.md\n- alert: D\n";
        assert_eq!(
            said(runbooks, &[("deploy/haat.rules.yml", rules), ("docs/a.md", "Alert: `A`.")]),
            [
                "deploy/haat.rules.yml:4: the alert B names no runbook",
                "deploy/haat.rules.yml:5: the runbook docs/a.md does not name the alert C",
                "deploy/haat.rules.yml:1: the alert D names no runbook"
            ]
        );
    }

    #[test]
    fn code_blocks_have_no_links() {
        assert!(said(links, &[("docs/index.md", "```\n[a](b)\n```\n")]).is_empty());
    }
}
