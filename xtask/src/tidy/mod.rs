//! `cargo xtask tidy`: the shape of the repository, checked.
//!
//! A limit that nothing checks is not kept. Each check is a plain function from the tree to what it found; it knows
//! nothing of the others, and its tests are small trees written as text. What clippy checks is left to clippy.

mod abstractions;
mod arrows;
mod code;
mod descriptions;
mod documents;
mod habits;
mod layers;
mod points;
mod service_map;
mod sizes;
mod sql;
mod tree;

use anyhow::Result;

pub use service_map::write as write_service_map;

use tree::Tree;

/// Something that is not as it should be.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    /// What was found and what is allowed.
    text: String,
}

impl Finding {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, text: text.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.text)
    }
}

type Check = fn(&Tree) -> Vec<Finding>;

const CHECKS: &[Check] = &[
    tree::unreadable,
    arrows::check,
    sizes::files,
    sizes::functions,
    layers::places_of_files,
    layers::exports,
    layers::tests_are_there,
    layers::domain_is_pure,
    layers::edges_are_thin,
    layers::what_is_sealed_is_declared,
    sql::stays_in_store,
    sql::shared_subset,
    sql::rows_are_ordered,
    sql::migrations,
    habits::production,
    habits::tests,
    habits::words,
    points::check,
    abstractions::traits,
    abstractions::generics,
    descriptions::headers,
    documents::links,
    documents::readme,
    documents::commands,
    documents::metrics,
    documents::runbooks,
    service_map::is_current,
];

/// Runs every check and says whether all is well.
pub fn run() -> Result<bool> {
    let tree = Tree::read()?;
    let mut findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(&tree)).collect();
    findings.sort();
    findings.dedup();
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {}, {} in {} files", sizes::figures(&tree), counted(findings.len()), tree.files.len());
    Ok(findings.is_empty())
}

fn counted(findings: usize) -> String {
    match findings {
        0 => "nothing found".into(),
        1 => "1 finding".into(),
        n => format!("{n} findings"),
    }
}

/// What a check says of a tree written as text, as `path:line: text`.
#[cfg(test)]
fn said(check: Check, files: &[(&str, &str)]) -> Vec<String> {
    check(&Tree::of(files)).iter().map(Finding::to_string).collect()
}
