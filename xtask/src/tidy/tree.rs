//! The repository as the checks see it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value as Json;

use super::Finding;
use super::code::Code;
use crate::workspace;

/// Every file that people write, and every package.
pub struct Tree {
    pub files: Vec<File>,
    pub packages: Vec<Package>,
    /// Where it lies on disk; a tree written as text lies nowhere.
    root: Option<PathBuf>,
}

/// One file.
pub struct File {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
    /// Rust source, taken apart; `Err` with why it does not parse.
    pub code: Option<Result<Code, syn::Error>>,
}

/// One package of the workspace with the packages of the workspace that it needs.
pub struct Package {
    pub name: String,
    /// Its folder from the root.
    pub folder: String,
    pub needs: Vec<Need>,
}

/// An arrow between two packages of the workspace.
pub struct Need {
    pub name: String,
    pub only_for_tests: bool,
}

const FOLDERS: &[&str] = &["crates", "services", "haat", "xtask", "proto", "docs", "deploy", ".ci", ".cargo"];
const KINDS: &[&str] = &["rs", "sql", "md", "toml", "proto", "html", "css", "js", "yml", "yaml", "json"];

impl Tree {
    /// The repository itself.
    pub fn read() -> Result<Tree> {
        let root = workspace::root();
        let mut files = Vec::new();
        for folder in FOLDERS.iter().map(|f| root.join(f)).filter(|f| f.is_dir()) {
            walk(&root, &folder, &mut files)?;
        }
        for entry in entries(&root)? {
            if entry.is_file() {
                take(&root, &entry, &mut files)?;
            }
        }
        Ok(Tree { files, packages: packages(&workspace::metadata()?), root: Some(root) })
    }

    /// Production source: what runs for users, and what this repository runs for itself.
    pub fn production(&self) -> impl Iterator<Item = (&File, &Code)> {
        self.rust().filter(|(file, _)| !file.is_test())
    }

    /// All source that parses.
    pub fn rust(&self) -> impl Iterator<Item = (&File, &Code)> {
        self.files.iter().filter_map(|f| Some((f, f.code.as_ref()?.as_ref().ok()?)))
    }

    /// Whether there is such a file or folder.
    pub fn exists(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        let known = self.files.iter().any(|f| f.path == path || f.path.starts_with(&folder));
        known || self.root.as_ref().is_some_and(|root| root.join(path).exists())
    }

    /// A tree written as text.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Tree {
        let files = files.iter().map(|(path, text)| File::new((*path).into(), (*text).into()));
        Tree { files: files.collect(), packages: Vec::new(), root: None }
    }
}

impl File {
    fn new(path: String, text: String) -> File {
        let code = path.ends_with(".rs").then(|| Code::parse(&text));
        File { path, text, code }
    }

    /// Whether all of it is test code: a file under `tests`, or the `tests.rs` of a module.
    pub fn is_test(&self) -> bool {
        self.path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "benches"))
    }

    /// The service it belongs to and its path in there, such as `src/store.rs`.
    pub fn in_service(&self) -> Option<(&str, &str)> {
        self.path.strip_prefix("services/")?.split_once('/')
    }

    /// Whether it is the file `name.rs`, or lies in the folder `name`, of a service's source.
    pub fn is_part(&self, name: &str) -> bool {
        let part = self.in_service().and_then(|(_, rest)| rest.strip_prefix("src/"));
        let first = part.map(|p| p.split_once('/').map_or(p.strip_suffix(".rs").unwrap_or(p), |(folder, _)| folder));
        first == Some(name)
    }
}

/// Source that does not parse cannot be checked.
pub fn unreadable(tree: &Tree) -> Vec<Finding> {
    let errors = tree.files.iter().filter_map(|f| Some((f, f.code.as_ref()?.as_ref().err()?)));
    errors.map(|(f, e)| Finding::new(&f.path, e.span().start().line, format!("does not parse: {e}"))).collect()
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<File>) -> Result<()> {
    for path in entries(folder)? {
        if path.is_dir() && path.file_name().is_some_and(|n| n != "target") {
            walk(root, &path, files)?;
        } else if path.is_file() {
            take(root, &path, files)?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths = read.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn take(root: &Path, path: &Path, files: &mut Vec<File>) -> Result<()> {
    let kind = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    if KINDS.contains(&kind) || path.ends_with(".ci/run") {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let relative = path.strip_prefix(root).expect("the walk began at the root");
        files.push(File::new(relative.to_string_lossy().replace('\\', "/"), text));
    }
    Ok(())
}

fn packages(metadata: &Json) -> Vec<Package> {
    let root = metadata["workspace_root"].as_str().unwrap_or("");
    let list = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    list.iter().map(|package| read_package(root, package)).collect()
}

fn read_package(root: &str, package: &Json) -> Package {
    let text = |value: &Json| value.as_str().unwrap_or("").to_owned();
    let manifest = text(&package["manifest_path"]);
    let folder = manifest.strip_prefix(root).unwrap_or(&manifest).trim_start_matches('/').trim_end_matches("/Cargo.toml").to_owned();
    let needs = package["dependencies"].as_array().into_iter().flatten();
    // Only members of the workspace come by path.
    let needs = needs.filter(|d| d["path"].is_string());
    let needs = needs.map(|d| Need { name: text(&d["name"]), only_for_tests: d["kind"] == "dev" }).collect();
    Package { name: text(&package["name"]), folder, needs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_knows_its_place() {
        let file = |path: &str| File::new(path.into(), String::new());
        assert!(file("services/orders/src/store.rs").is_part("store"));
        assert!(file("services/orders/src/store/lines.rs").is_part("store"));
        assert!(!file("services/orders/src/restore.rs").is_part("store"));
        assert!(!file("crates/kit/src/store.rs").is_part("store"));
        assert!(file("services/orders/tests/it/main.rs").is_test());
        assert!(file("services/orders/src/domain/tests.rs").is_test());
        assert!(!file("crates/testing/src/lib.rs").is_test());
    }

    #[test]
    fn packages_come_with_their_arrows() {
        let metadata = serde_json::json!({"workspace_root": "/r", "packages": [{"name": "orders", "manifest_path": "/r/services/orders/Cargo.toml",
            "dependencies": [{"name": "kit", "path": "/r/crates/kit", "kind": null}, {"name": "serde", "kind": null},
                             {"name": "testing", "path": "/r/crates/testing", "kind": "dev"}]}]});
        let found = packages(&metadata);
        assert_eq!((found[0].name.as_str(), found[0].folder.as_str()), ("orders", "services/orders"));
        let needs: Vec<_> = found[0].needs.iter().map(|n| (n.name.as_str(), n.only_for_tests)).collect();
        assert_eq!(needs, [("kit", false), ("testing", true)]);
    }

    #[test]
    fn source_that_does_not_parse_is_named() {
        let found = super::super::said(unreadable, &[("haat/src/main.rs", "fn main() {\n  let = 3;\n}")]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("haat/src/main.rs:2: does not parse"), "{found:?}");
    }
}
