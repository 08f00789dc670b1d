//! Documents say what is there.

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
    fn code_blocks_have_no_links() {
        assert!(said(links, &[("docs/index.md", "```\n[a](b)\n```\n")]).is_empty());
    }
}
