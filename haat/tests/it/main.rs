//! The whole platform as its clients see it, over sockets: in one process on each engine, and apart in two.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod aliases;
mod authorisation;
mod binary;
mod demo;
mod documents;
mod journey;
mod market;
mod nodes;
mod outside;
mod rubbish;
mod stream;
