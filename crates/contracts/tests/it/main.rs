//! What is written down about events: their schemas, and every shape they ever had.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod compatible;
mod files;
mod golden;
mod sample;
mod schemas;

use std::path::PathBuf;

/// `HAAT_UPDATE=1` writes the files instead of failing where they are missing or only differ harmlessly.
fn updates() -> bool {
    std::env::var_os("HAAT_UPDATE").is_some_and(|v| v == "1")
}

fn folder(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}
