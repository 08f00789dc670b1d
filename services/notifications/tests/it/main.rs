//! Messages about real sales, on both engines.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod delivering;
mod figures;
mod links;
mod mailbox;
mod market;
mod preferences;
mod push;
mod reading;
mod receiver;
mod routes;
mod sending;
mod server;
mod telling;
mod templates;
mod tls;
mod upgrade;
mod webhooks;
