//! `cargo xtask test`: stages as data, each timed, one summary at the end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{packages, tidy, workspace};

enum Action {
    /// Commands of cargo in the root, up to the first that fails.
    Cargo(&'static [&'static [&'static str]]),
    /// A check of this program.
    Check(fn() -> Result<bool>),
}

struct Stage {
    name: &'static str,
    action: Action,
}

/// `haat sim`, as the tests have built it.
macro_rules! simulate {
    ($($argument:literal),+) => { ["run", "--package", "haat", "--bin", "haat", "--quiet", "--", "sim", $($argument),+] };
}

/// All stages run even where an earlier one fails, so that one run tells everything.
const STAGES: &[Stage] = &[
    Stage { name: "tidy", action: Action::Check(tidy::run) },
    Stage { name: "format", action: Action::Cargo(&[&["fmt", "--all", "--check"]]) },
    Stage { name: "clippy", action: Action::Cargo(&[&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]]) },
    Stage { name: "tests", action: Action::Cargo(&[&["test", "--workspace", "--no-fail-fast"]]) },
    Stage { name: "sim", action: Action::Cargo(&[&simulate!("--seeds", "0..500"), &simulate!("--seeds", "0..20", "--twice")]) },
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

fn choose(names: &[String]) -> Result<Vec<&'static Stage>> {
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
            Action::Cargo(commands) => {
                for arguments in *commands {
                    println!("$ cargo {}", arguments.join(" "));
                    if !workspace::cargo(arguments).status().context("cannot run cargo")?.success() {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }
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
