//! Orders with the services they work with, on each engine.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod budget;
mod cancelling;
mod carriers;
mod cash;
mod checkout;
mod digital;
mod faults;
mod fulfilling;
mod hearing;
mod imports;
mod invoices;
mod pages;
mod parcels;
mod quotes;
mod races;
mod reading;
mod refusals;
mod replays;
mod retention;
mod returns;
mod routes;
mod sagas;
mod selling;
mod shipping;
mod shop;
mod taxes;
