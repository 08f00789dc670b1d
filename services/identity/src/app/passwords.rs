//! Password hashing: argon2id, a bounded number at once, so that memory stays small however many people sign in.

use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use kit::{BuildError, Ids, Tasks};
use tokio::sync::Semaphore;

use crate::config::PasswordCost;
use crate::domain::Password;
use crate::error::Error;

/// Bytes of salt (RFC 9106).
const SALT_BYTES: usize = 16;
/// Blocks of 1 KiB from which the memory of a hash is reserved in one piece of at least this size. An allocator keeps
/// smaller pieces for the thread that freed them (glibc: up to 32 MiB), and passwords are hashed on many threads in
/// turn: each would hold 19 MiB for ever. What is reserved but not written to costs nothing.
const RESERVED_BLOCKS_MIN: usize = 33 * 1024;
/// Hashes with fewer blocks are too small for it to matter.
const SMALL_BLOCKS_MAX: usize = 1024;

/// Hashes and compares passwords off the runtime's threads.
#[derive(Clone)]
pub struct Passwords {
    tasks: Tasks,
    ids: Ids,
    params: Params,
    /// A hash that no password has; what unknown accounts are compared with.
    dummy: Arc<str>,
    /// One permit for each hash that is computed or waits.
    places: Arc<Semaphore>,
    /// One permit for each hash that is computed.
    running: Arc<Semaphore>,
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Another password, or no account.
    Wrong,
    /// The password.
    Right,
    /// The password, whose stored hash has another cost than today's; this one should replace it.
    Rehashed(String),
}

impl Passwords {
    /// With the cost of the configuration.
    pub fn new(tasks: Tasks, ids: Ids, cost: &PasswordCost) -> Result<Passwords, BuildError> {
        let params =
            Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(|e| BuildError::Other(format!("password cost: {e}")))?;
        let (salt, hash) = ("A".repeat(22), "A".repeat(43));
        let dummy = format!("$argon2id$v=19$m={},t={},p={}${salt}${hash}", cost.memory_kib, cost.passes, cost.lanes).into();
        let places = Arc::new(Semaphore::new(cost.at_once + cost.waiting_max));
        Ok(Passwords { tasks, ids, params, dummy, places, running: Arc::new(Semaphore::new(cost.at_once)) })
    }

    /// A hash to store, with a salt of its own.
    pub async fn hash(&self, password: Password) -> Result<String, Error> {
        let (params, salt) = (self.params.clone(), self.salt());
        self.run(move || hash(&params, &password, &salt)).await?
    }

    /// Compares with the stored hash. Without one the same work is done in vain, so that time does not tell
    /// whether there is an account.
    pub async fn verify(&self, password: Password, stored: Option<String>) -> Result<Verified, Error> {
        let (params, salt) = (self.params.clone(), self.salt());
        let stored = stored.unwrap_or_else(|| self.dummy.to_string());
        self.run(move || {
            let stored = PasswordHash::new(&stored).map_err(|e| Error::Internal(format!("stored password hash: {e}")))?;
            if !fits(&stored, &password)? {
                return Ok(Verified::Wrong);
            }
            if Params::try_from(&stored).is_ok_and(|p| cost(&p) == cost(&params)) {
                return Ok(Verified::Right);
            }
            hash(&params, &password, &salt).map(Verified::Rehashed)
        })
        .await?
    }

    fn salt(&self) -> [u8; SALT_BYTES] {
        self.ids.bytes()
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        let running = self.running.clone().acquire_owned().await.map_err(|e| Error::Internal(e.to_string()))?;
        // The permits go along with the work: a caller that hangs up does not make room before its hash is done.
        let work = move || {
            let _permits = (place, running);
            work()
        };
        self.tasks.blocking(work).await.ok_or_else(|| Error::Internal("password hashing panicked".into()))
    }
}

fn hash(params: &Params, password: &Password, salt: &[u8]) -> Result<String, Error> {
    let hash = || {
        let output = compute(Algorithm::Argon2id, Version::V0x13, params, password, salt)?;
        let (algorithm, version) = (Algorithm::Argon2id.ident(), Some(Version::V0x13.into()));
        let (params, salt) = (ParamsString::try_from(params)?, Some(Salt::new(salt)?));
        Ok::<_, argon2::password_hash::Error>(PasswordHash { algorithm, version, params, salt, hash: Some(output) })
    };
    hash().map(|h| h.to_string()).map_err(|e| Error::Internal(format!("password hashing: {e}")))
}

/// Whether it is the password of the hash; takes as long where it is not.
fn fits(stored: &PasswordHash, password: &Password) -> Result<bool, Error> {
    let fits = || {
        let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Ok(false) };
        let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
        let version = stored.version.map_or(Ok(Version::default()), Version::try_from)?;
        let computed = compute(algorithm, version, &Params::try_from(stored)?, password, salt)?;
        // This comparison takes the same time wherever the first difference is.
        Ok::<_, argon2::password_hash::Error>(computed == *expected)
    };
    fits().map_err(|e| Error::Internal(format!("stored password hash: {e}")))
}

fn compute(
    algorithm: Algorithm,
    version: Version,
    params: &Params,
    password: &Password,
    salt: &[u8],
) -> argon2::password_hash::Result<Output> {
    let count = params.block_count();
    let mut memory = Vec::with_capacity(if count > SMALL_BLOCKS_MAX { count.max(RESERVED_BLOCKS_MIN) } else { count });
    memory.resize(count, Block::new());
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    let argon2 = Argon2::new(algorithm, version, params.clone());
    argon2.hash_password_into_with_memory(password.bytes(), salt, &mut output, &mut memory)?;
    Ok(Output::new(&output)?)
}

fn cost(params: &Params) -> (u32, u32, u32) {
    (params.m_cost(), params.t_cost(), params.p_cost())
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use kit::tasks::Threads;

    use super::*;

    fn passwords(passes: u32, at_once: usize, waiting_max: usize) -> Passwords {
        let cost = PasswordCost { memory_kib: 8, passes, lanes: 1, at_once, waiting_max };
        Passwords::new(Tasks::new(Threads::Pool), Ids::seeded(1), &cost).unwrap()
    }

    fn password(text: &str) -> Password {
        Password::parse(text.into()).unwrap()
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_only() {
        let passwords = passwords(1, 1, 1);
        let stored = passwords.hash(password("correct horse")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{stored}");
        assert!(argon2::PasswordVerifier::verify_password(&Argon2::default(), b"correct horse", stored.as_str()).is_ok());
        assert_ne!(stored, passwords.hash(password("correct horse")).await.unwrap(), "every hash has its own salt");
        assert_eq!(passwords.verify(password("correct horse"), Some(stored.clone())).await.unwrap(), Verified::Right);
        assert_eq!(passwords.verify(password("Correct horse"), Some(stored)).await.unwrap(), Verified::Wrong);
        assert_eq!(passwords.verify(password("correct horse"), None).await.unwrap(), Verified::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_replaced() {
        let stored = passwords(1, 1, 1).hash(password("correct horse")).await.unwrap();
        let Verified::Rehashed(new) = passwords(2, 1, 1).verify(password("correct horse"), Some(stored)).await.unwrap() else {
            panic!("not rehashed")
        };
        assert!(new.contains("t=2"), "{new}");
        assert_eq!(passwords(2, 1, 1).verify(password("correct horse"), Some(new)).await.unwrap(), Verified::Right);
    }

    #[tokio::test]
    async fn a_long_queue_is_refused_and_a_short_one_waits() {
        let passwords = passwords(1, 1, 0);
        let held = passwords.running.clone().acquire_owned().await.unwrap();
        let mut waits = Box::pin(passwords.hash(password("correct horse")));
        let first_poll = std::future::poll_fn(|cx| Poll::Ready(waits.as_mut().poll(cx).is_pending())).await;
        assert!(first_poll, "it waits for its turn");
        assert!(matches!(passwords.hash(password("battery staple")).await, Err(Error::Busy)));
        drop(held);
        assert!(waits.await.is_ok());
        assert!(passwords.hash(password("battery staple")).await.is_ok(), "its place is free again");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn memory_is_given_back_after_hashing() {
        let resident_kib = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
        };
        let cost = PasswordCost { at_once: 4, ..PasswordCost::default() };
        let passwords = Passwords::new(Tasks::new(Threads::Pool), Ids::seeded(1), &cost).unwrap();
        let before = resident_kib();
        for _ in 0..3 {
            let one = || passwords.hash(password("correct horse"));
            let hashes = tokio::join!(biased; one(), one(), one(), one());
            assert!(hashes.0.is_ok() && hashes.1.is_ok() && hashes.2.is_ok() && hashes.3.is_ok());
        }
        let grown = resident_kib().saturating_sub(before);
        assert!(grown < u64::from(cost.memory_kib), "{grown} KiB are still held after 12 hashes");
    }
}
