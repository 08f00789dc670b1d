//! Messages about real sales, on both engines.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod delivering;
mod links;
mod mailbox;
mod market;
mod preferences;
mod reading;
mod sending;
mod server;
mod telling;
mod templates;
