//! The whole platform as its clients see it, over sockets: in one process on each engine, and apart in two.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod administrators;
mod aliases;
mod authorisation;
mod backup;
mod binary;
mod collector;
mod dead_letters;
mod demo;
mod description;
mod documents;
mod dry_run;
mod import;
mod journey;
mod logs;
mod market;
mod nodes;
mod outside;
mod roles;
mod rubbish;
mod stopping;
mod stream;
mod tracing;
mod watching;
