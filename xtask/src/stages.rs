//! `cargo xtask test`: stages as data, each timed, one summary at the end.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{clients, packages, tidy, workspace};

enum Action {
    /// A command of cargo in the root.
    Cargo(&'static [&'static str]),
    /// Runs of `haat`, as the tests have built it, up to the first that fails.
    Haat(&'static [&'static [&'static str]]),
    /// Something that is done with `haat`, as the tests have built it.
    With(fn(&Path) -> Result<bool>),
    /// A check of this program.
    Check(fn() -> Result<bool>),
}

/// A part of the tests.
pub struct Stage {
    name: &'static str,
    action: Action,
}

/// All stages run even where an earlier one fails, so that one run tells everything.
const STAGES: &[Stage] = &[
    Stage { name: "tidy", action: Action::Check(tidy::run) },
    Stage { name: "format", action: Action::Cargo(&["fmt", "--all", "--check"]) },
    Stage { name: "clippy", action: Action::Cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]) },
    Stage { name: "tests", action: Action::Cargo(&["test", "--workspace", "--no-fail-fast"]) },
    Stage { name: "clients", action: Action::With(clients::run) },
    Stage { name: "sim", action: Action::Haat(&[&["sim", "--seeds", "0..500"], &["sim", "--seeds", "0..20", "--twice"]]) },
];

/// Runs the named stages, or all, and says whether all passed.
pub fn run(names: &[String]) -> Result<bool> {
    let chosen = choose(names)?;
    packages::ensure()?;
    let begun = Instant::now();
    let mut results = Vec::new();
    for stage in chosen {
        println!("\n── {} ──", stage.name);
        let started = Instant::now();
        let passed = stage.action.run()?;
        let took = started.elapsed();
        println!("── {}: {} in {}", stage.name, verdict(passed), seconds(took));
        results.push((stage.name, passed, took));
    }
    println!("\n{}", summary(&results, begun.elapsed()));
    Ok(results.iter().all(|(_, passed, _)| *passed))
}

/// The named stages, or all.
pub fn choose(names: &[String]) -> Result<Vec<&'static Stage>> {
    if let Some(unknown) = names.iter().find(|name| STAGES.iter().all(|s| s.name != **name)) {
        let known: Vec<_> = STAGES.iter().map(|s| s.name).collect();
        bail!("there is no stage {unknown:?}; the stages are {}", known.join(", "));
    }
    Ok(STAGES.iter().filter(|s| names.is_empty() || names.iter().any(|n| n == s.name)).collect())
}

impl Action {
    fn run(&self) -> Result<bool> {
        match self {
            Action::Check(check) => check(),
            Action::Cargo(arguments) => cargo(arguments),
            Action::Haat(runs) => built()?.map_or(Ok(false), |binary| haat(&binary, runs)),
            Action::With(act) => built()?.map_or(Ok(false), |binary| act(&binary)),
        }
    }
}

fn cargo(arguments: &[&str]) -> Result<bool> {
    println!("$ cargo {}", arguments.join(" "));
    Ok(workspace::cargo(arguments).status().context("cannot run cargo")?.success())
}

/// The binary; `None` where it cannot be built. Nothing is built anew after the tests: a command for one package alone would
/// build its dependencies once more.
fn built() -> Result<Option<PathBuf>> {
    let is_built = cargo(&["test", "--workspace", "--no-run", "--quiet"])?;
    Ok(if is_built { Some(workspace::target_directory()?.join("debug/haat")) } else { None })
}

fn haat(binary: &Path, runs: &[&[&str]]) -> Result<bool> {
    for arguments in runs {
        println!("$ haat {}", arguments.join(" "));
        if !Command::new(binary).args(*arguments).status().with_context(|| format!("cannot run {}", binary.display()))?.success() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn summary(results: &[(&str, bool, Duration)], total: Duration) -> String {
    let mut text = String::new();
    for (name, passed, took) in results {
        text += &format!("{name:<10} {:<7} {:>10}\n", verdict(*passed), seconds(*took));
    }
    let failed: Vec<_> = results.iter().filter(|(_, passed, _)| !passed).map(|(name, _, _)| *name).collect();
    text += &match failed.as_slice() {
        [] => format!("all {} stages passed in {}", results.len(), seconds(total)),
        failed => format!("{} of {} stages failed in {}: {}", failed.len(), results.len(), seconds(total), failed.join(", ")),
    };
    text
}

fn verdict(passed: bool) -> &'static str {
    if passed { "ok" } else { "FAILED" }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_every_stage_and_an_unknown_one_is_refused() {
        assert_eq!(choose(&[]).expect("all").len(), STAGES.len());
        assert_eq!(choose(&["clippy".into()]).expect("one").len(), 1);
        let refusal = choose(&["clipy".into()]).err().expect("a refusal").to_string();
        assert!(refusal.contains("clipy") && refusal.contains("clippy"), "{refusal}");
    }

    #[test]
    fn the_summary_names_what_failed() {
        let results = [("format", true, Duration::from_secs(1)), ("tests", false, Duration::from_secs(2))];
        let text = summary(&results, Duration::from_secs(3));
        assert!(text.ends_with("1 of 2 stages failed in 3.0 s: tests"), "{text}");
        assert!(summary(&results[..1], Duration::from_secs(1)).ends_with("all 1 stages passed in 1.0 s"));
    }
}
