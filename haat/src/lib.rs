//! haat: a marketplace back end in one binary. The library holds the commands, so that tests can run what the binary runs.

mod backup;
mod bench;
mod cli;
mod commands;
pub mod config;
mod console;
mod demo;
mod doctor;
mod exchange;
mod export;
mod import;
mod inventory;
mod openapi;
mod password;
pub mod platform;
mod print;
mod replay;
pub mod run;
mod sealed;
mod sim;
mod top;

use anyhow::Context;

pub use cli::Cli;
pub use print::aside;

/// How a command ends that failed: its exit status, and what it says. Nothing where nobody reads its output any more, or
/// where somebody has stopped it at the keyboard: it ends as a program does that `SIGPIPE` or `SIGINT` has ended.
pub fn ending(error: &anyhow::Error) -> (u8, Option<String>) {
    match error {
        e if print::is_unread(e) => (141, None),
        e if e.is::<password::Interrupted>() => (130, None),
        e => (1, Some(format!("haat: {e:#}"))),
    }
}

/// Does what the command line says.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    if let Ok(point) = std::env::var("HAAT_CRASH_AT") {
        kit::crash::arm(&point).map_err(anyhow::Error::msg)?;
    }
    if let cli::Command::Sim(args) = &cli.command {
        return sim::run(args);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(commands::carry_out(cli.command))
}
