//! haat: a marketplace back end in one binary.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match haat::run(haat::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("haat: {e:#}");
            ExitCode::FAILURE
        }
    }
}
