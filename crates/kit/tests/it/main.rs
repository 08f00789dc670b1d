//! What a service stands on, tested through services made for the purpose.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod apart;
mod db;
mod faults;
mod idempotency;
mod jobs;
mod operator;
mod platform;
mod positions;
mod readers;
mod replays;
mod retention;
mod saga;
mod upcasts;
