//! haat: a marketplace back end in one binary.

use std::process::ExitCode;

use clap::Parser;

/// Half of haat's time would go into the C library's allocator; SQLite uses this one too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match haat::run(haat::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let (status, words) = haat::ending(&e);
            words.into_iter().for_each(haat::aside);
            ExitCode::from(status)
        }
    }
}
