//! payments with the sandbox provider and the stores beside it, on both engines.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod captures;
mod cash;
mod figures;
mod inbox;
mod ledger;
mod races;
mod refunds;
mod routes;
mod shop;
mod statements;
mod webhooks;
