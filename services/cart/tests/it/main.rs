//! Carts on real databases, with the real catalog.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod crowded;
mod expiring;
mod lines;
mod merging;
mod routes;
mod shop;
