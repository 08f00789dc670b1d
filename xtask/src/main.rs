//! What people and continuous integration do with this repository: `cargo xtask test` and `cargo xtask tidy`.

#![allow(clippy::disallowed_methods, reason = "it measures real time; nothing here runs in the simulator")]

mod clients;
mod packages;
mod stages;
mod storm;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tests and checks of haat")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Installs what is missing, then runs every check and test, or the named stages.
    Test {
        /// Stages to run; all where none is named.
        stages: Vec<String>,
    },
    /// Checks the shape of the repository: sizes, dependencies, layers, SQL, habits, documents.
    Tidy,
    /// Draws docs/service-map.md from the declarations in the source.
    ServiceMap,
    /// The release binary under load, killed again and again; a witness checks what was acknowledged.
    Storm(storm::StormArgs),
}

/// Whether these words behind `cargo xtask` are a command; if not, the first line of what is wrong.
fn accepts<'w>(words: impl Iterator<Item = &'w str>) -> Result<(), String> {
    let first_line = |text: String| text.lines().next().unwrap_or("").to_owned();
    match Args::try_parse_from(["xtask"].into_iter().chain(words)) {
        Ok(Args { command: Command::Test { stages } }) => stages::choose(&stages).map(drop).map_err(|e| first_line(e.to_string())),
        Ok(_) => Ok(()),
        Err(e) => Err(first_line(e.to_string())),
    }
}

fn main() -> ExitCode {
    let outcome = match Args::parse().command {
        Command::Test { stages } => stages::run(&stages),
        Command::Tidy => tidy::run(),
        Command::ServiceMap => tidy::write_service_map().map(|()| true),
        Command::Storm(args) => storm::run(&args),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("xtask: {e:#}");
            ExitCode::FAILURE
        }
    }
}
