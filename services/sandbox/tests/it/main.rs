//! The sandbox as a merchant and a payer meet it, on both engines.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answers;
mod merchant;
mod refunds;
mod webhooks;
