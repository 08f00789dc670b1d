//! How often a password may be tried.
//!
//! An attempt is counted before the password is looked at, so that a thousand at once are a thousand attempts, and
//! taken back when it succeeds. Known and unknown accounts are counted alike. An account is counted by the neighbourhood
//! from which it is tried: a stranger's wrong passwords do not lock out its owner, who is elsewhere, before they are many.

use contracts::UserId;
use kit::db::Tx;

use super::Origin;
use super::pepper::Pepper;
use crate::config::Attempts;
use crate::domain::Email;
use crate::error::Error;
use crate::store;

/// New pictures of one person in the time in which attempts are counted.
const PICTURES_MAX: i64 = 30;

/// How many attempts are taken in which time.
#[derive(Clone)]
pub struct Limits {
    per_account: i64,
    per_account_anywhere: i64,
    per_address: i64,
    window_seconds: i64,
    pepper: Pepper,
}

/// One attempt, under the keys that it is counted by.
#[derive(Clone)]
pub struct Attempt {
    /// Begin afresh when it succeeds.
    own: Vec<Counter>,
    /// Only get this attempt back: they count others' too.
    shared: Vec<Counter>,
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
        let per_account = attempts.per_account.unwrap_or(10 * scale);
        Limits {
            per_account,
            per_account_anywhere: attempts.per_account_anywhere.unwrap_or(10 * per_account),
            per_address: attempts.per_address.unwrap_or(100 * scale),
            window_seconds: attempts.window_seconds,
            pepper,
        }
    }

    /// Somebody wants to sign in.
    pub fn sign_in(&self, email: &Email, origin: &Origin) -> Attempt {
        let shared = [self.anywhere(email)].into_iter().chain(self.address(origin)).collect();
        Attempt { own: vec![self.here(email, origin)], shared, window_seconds: self.window_seconds }
    }

    /// Somebody wants to register: a taken address is a failed attempt, so that a list of addresses cannot be tried.
    pub fn registration(&self, origin: &Origin) -> Attempt {
        Attempt { own: Vec::new(), shared: self.address(origin).into_iter().collect(), window_seconds: self.window_seconds }
    }

    /// Somebody wants a link sent: counted apart from sign-ins, and the same whether or not there is an account. From
    /// wherever it is asked for, it is one person's mail.
    pub fn reset(&self, email: &Email, origin: &Origin) -> Attempt {
        Attempt { own: vec![self.counter("link", email.normal(), self.per_account)], ..self.registration(origin) }
    }

    /// Somebody sends a picture of theirs: each is half a megabyte that is written to the log and to the database.
    pub fn picture(&self, owner: UserId) -> Attempt {
        let own = vec![self.counter("picture", &owner.to_string(), PICTURES_MAX)];
        Attempt { own, shared: Vec::new(), window_seconds: self.window_seconds }
    }

    /// What is counted of sign-ins to an account, as far as it concerns who signs in from here.
    pub fn of_account(&self, email: &Email, origin: &Origin) -> Attempt {
        let own = vec![self.here(email, origin), self.anywhere(email)];
        Attempt { own, shared: Vec::new(), window_seconds: self.window_seconds }
    }

    fn here(&self, email: &Email, origin: &Origin) -> Counter {
        let name = format!("{} {}", email.normal(), origin.neighbourhood().unwrap_or_default());
        self.counter("account here", &name, self.per_account)
    }

    fn anywhere(&self, email: &Email) -> Counter {
        self.counter("account", email.normal(), self.per_account_anywhere)
    }

    fn address(&self, origin: &Origin) -> Option<Counter> {
        origin.network().map(|n| self.counter("address", &n, self.per_address))
    }

    fn counter(&self, kind: &str, name: &str, failures_max: i64) -> Counter {
        Counter { key: self.pepper.hash(kind, name.as_bytes()), failures_max }
    }
}

impl Attempt {
    /// Counts it, or refuses it where there were too many.
    pub fn begin(&self, tx: &mut Tx) -> Result<(), Error> {
        let (now, window_seconds) = (tx.now(), self.window_seconds);
        for counter in self.own.iter().chain(&self.shared) {
            let (failures, started_at) = store::attempts::count(tx, &counter.key, now.plus_seconds(-window_seconds))?;
            if failures > counter.failures_max {
                let left_us = started_at.plus_seconds(window_seconds).0 - now.0;
                let left_seconds = (left_us / 1_000_000 + 1).clamp(1, window_seconds);
                return Err(Error::TooManyAttempts { retry_after_seconds: u32::try_from(left_seconds).unwrap_or(u32::MAX) });
            }
        }
        Ok(())
    }

    /// It succeeded: the account starts afresh here. Everything else only gets this attempt back, or one's own account
    /// would serve to try others without end, and its owner's visits to guess it.
    pub fn succeeded(&self, tx: &mut Tx) -> Result<(), Error> {
        for counter in &self.own {
            store::attempts::forget(tx, &counter.key)?;
        }
        for counter in &self.shared {
            store::attempts::take_back(tx, &counter.key)?;
        }
        Ok(())
    }
}
