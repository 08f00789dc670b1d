//! identity as its callers see it, on both databases.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod addresses;
mod bad_input;
mod keys;
mod links;
mod pages;
mod people;
mod photos;
mod roles;
mod routes;
mod rpc;
mod sessions;
mod settings;
mod sign_in;
mod users;
