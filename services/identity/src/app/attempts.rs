//! How often a password may be tried.
//!
//! An attempt is counted before the password is looked at, so that a thousand at once are a thousand attempts, and
//! taken back when it succeeds. Known and unknown accounts are counted alike.

use kit::db::Tx;

use super::Origin;
use super::pepper::Pepper;
use crate::config::Attempts;
use crate::domain::Email;
use crate::error::Error;
use crate::store;

/// How many attempts are taken in which time.
#[derive(Clone)]
pub struct Limits {
    per_account: i64,
    per_address: i64,
    window_seconds: i64,
    pepper: Pepper,
}

/// One attempt, under the keys that it is counted by.
#[derive(Clone)]
pub struct Attempt {
    account: Option<Counter>,
    address: Option<Counter>,
    window_seconds: i64,
}

#[derive(Clone)]
struct Counter {
    key: Vec<u8>,
    failures_max: i64,
}

impl Limits {
    /// As configured; generous in development, where a load test signs in from one address.
    pub fn new(attempts: &Attempts, development: bool, pepper: Pepper) -> Limits {
        let scale = if development { 100 } else { 1 };
        Limits {
            per_account: attempts.per_account.unwrap_or(10 * scale),
            per_address: attempts.per_address.unwrap_or(100 * scale),
            window_seconds: attempts.window_seconds,
            pepper,
        }
    }

    /// Somebody wants to sign in.
    pub fn sign_in(&self, email: &Email, origin: &Origin) -> Attempt {
        let account = Some(self.counter("account", email.normal(), self.per_account));
        Attempt { account, ..self.registration(origin) }
    }

    /// Somebody wants to register: a taken address is a failed attempt, so that a list of addresses cannot be tried.
    pub fn registration(&self, origin: &Origin) -> Attempt {
        let address = origin.network().map(|n| self.counter("address", &n, self.per_address));
        Attempt { account: None, address, window_seconds: self.window_seconds }
    }

    /// Somebody wants a link sent: counted apart from sign-ins, and the same whether or not there is an account.
    pub fn reset(&self, email: &Email, origin: &Origin) -> Attempt {
        let account = Some(self.counter("link", email.normal(), self.per_account));
        Attempt { account, ..self.registration(origin) }
    }

    /// What is counted of sign-ins to an account.
    pub fn of_account(&self, email: &Email) -> Attempt {
        let account = Some(self.counter("account", email.normal(), self.per_account));
        Attempt { account, address: None, window_seconds: self.window_seconds }
    }

    fn counter(&self, kind: &str, name: &str, failures_max: i64) -> Counter {
        Counter { key: self.pepper.hash(kind, name.as_bytes()), failures_max }
    }
}

impl Attempt {
    /// Counts it, or refuses it where there were too many.
    pub fn begin(&self, tx: &mut Tx) -> Result<(), Error> {
        let (now, window_seconds) = (tx.now(), self.window_seconds);
        for counter in self.account.iter().chain(&self.address) {
            let (failures, started_at) = store::attempts::count(tx, &counter.key, now.plus_seconds(-window_seconds))?;
            if failures > counter.failures_max {
                let left_us = started_at.plus_seconds(window_seconds).0 - now.0;
                let left_seconds = (left_us / 1_000_000 + 1).clamp(1, window_seconds);
                return Err(Error::TooManyAttempts { retry_after_seconds: u32::try_from(left_seconds).unwrap_or(u32::MAX) });
            }
        }
        Ok(())
    }

    /// It succeeded: the account starts afresh. The address only gets this attempt back, or one's own account would
    /// serve to try others without end.
    pub fn succeeded(&self, tx: &mut Tx) -> Result<(), Error> {
        if let Some(account) = &self.account {
            store::attempts::forget(tx, &account.key)?;
        }
        if let Some(address) = &self.address {
            store::attempts::take_back(tx, &address.key)?;
        }
        Ok(())
    }
}
