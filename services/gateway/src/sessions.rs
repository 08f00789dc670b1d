//! Who is signed in: access tokens, verified once and remembered, and the sessions behind them.
//!
//! A remembered token is not valid "until expiry": when its session ends, its user's roles change or one of these roles
//! opens other routes, identity says so and the entry is dropped; should that word be lost, the session is asked for again every minute.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::identity::{CheckSessionRequest, GetKeysRequest};
use contracts::{SessionId, Time, UserId};
use kit::auth::{Access, KeySet, TokenError, User, check_access};
use kit::channel::Channel;
use kit::http::RouteInfo;
use kit::{BuildError, Clock, Env, Problem, Role};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::Config;
use crate::grants::Grants;
use crate::recent::Recent;

/// Keys are asked for again after this time, so that one that was withdrawn is not believed for long.
const KEYS_SECONDS: i64 = 300;
/// Between two looks for a key that is not known: tokens with invented keys must not load identity.
const UNKNOWN_KEY_SECONDS: i64 = 10;
/// How long a session that was checked is believed while identity does not answer.
const GRACE_SECONDS: i64 = 300;
/// The shortest pause between two looks at a token that somebody is answered for, in microseconds.
const RECHECK_US_MIN: u64 = 1_000_000;

/// Verified tokens, by their SHA-256.
pub struct Sessions {
    identity: IdentityClient<Channel>,
    issuer: String,
    clock: Clock,
    check_seconds: i64,
    kept: Mutex<Kept>,
    keys: Mutex<Arc<KeySet>>,
    /// When the keys were last asked for; whoever asks holds it.
    asked_for_keys: tokio::sync::Mutex<Option<Time>>,
    /// Says that entries were dropped, to those who answer for as long as a token works.
    dropped: watch::Sender<u64>,
}

struct Kept {
    entries: Recent<[u8; 32], Entry>,
    /// Raised whenever entries are dropped: what was asked before may be out of date.
    epoch: u64,
}

#[derive(Clone)]
struct Entry {
    access: Access,
    grants: Arc<Grants>,
    /// When the session was last known to be open.
    checked_at: Time,
}

/// Somebody who is signed in, as of this moment.
#[derive(Clone)]
pub struct SignedIn {
    /// Who, with their roles.
    pub user: User,
    /// What else is open to them.
    pub grants: Arc<Grants>,
}

impl Entry {
    fn signed_in(&self) -> SignedIn {
        SignedIn { user: self.access.user.clone(), grants: self.grants.clone() }
    }
}

/// Why a token does not work.
#[derive(Debug)]
pub enum Refused {
    /// It is not good.
    Token(TokenError),
    /// It was good; its session has ended.
    Ended,
    /// Identity does not answer.
    Unavailable(tonic::Status),
}

impl Refused {
    /// Nobody can wait any longer for what identity says.
    pub fn slow() -> Refused {
        Refused::Unavailable(tonic::Status::deadline_exceeded("identity did not answer in time"))
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        match refused {
            Refused::Token(e) => Problem::unauthenticated(format!("the access token is not accepted: {e}")),
            Refused::Ended => Problem::unauthenticated("the access token is not accepted: its session has ended"),
            Refused::Unavailable(status) => {
                tracing::warn!(%status, "identity does not answer");
                Problem::unavailable("identity_unavailable", "whether you are signed in cannot be checked now; try again")
            }
        }
    }
}

impl Sessions {
    /// Nothing is known yet; keys are asked for when the first token comes.
    pub fn new(env: &Env, config: &Config) -> Result<Sessions, BuildError> {
        Ok(Sessions {
            identity: IdentityClient::new(env.channel("identity")?),
            issuer: env.shared.public_url.clone(),
            clock: env.clock.clone(),
            check_seconds: config.session_check_seconds,
            kept: Mutex::new(Kept { entries: Recent::new(config.verified_tokens_max), epoch: 0 }),
            keys: Mutex::default(),
            asked_for_keys: tokio::sync::Mutex::new(None),
            dropped: watch::Sender::new(0),
        })
    }

    /// The user of an access token whose session is open, with the roles and grants of this moment.
    pub async fn user_of(&self, token: &str) -> Result<SignedIn, Refused> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let now = self.clock.now();
        let (known, epoch) = {
            let mut kept = self.kept();
            (kept.entries.get(&digest), kept.epoch)
        };
        if let Some(entry) = &known {
            if entry.access.expires_at <= now {
                return Err(Refused::Token(TokenError::Expired));
            }
            if now < entry.checked_at.plus_seconds(self.check_seconds) {
                return Ok(entry.signed_in());
            }
        }
        let access = match &known {
            Some(entry) => entry.access.clone(),
            None => self.verify(token, now).await?,
        };
        self.check_session(digest, access, known, epoch).await
    }

    /// Ends when the token does not work any more: it has expired, or its session has ended. Who was let in by a grant
    /// is refused when that route is not granted any more.
    pub async fn refused(&self, token: &str, granted: Option<RouteInfo>) {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut dropped = self.dropped.subscribe();
        loop {
            dropped.borrow_and_update();
            match self.user_of(token).await {
                Err(refused) => return tracing::debug!(?refused, "an answer that went on was cut off"),
                Ok(signed_in) if granted.as_ref().is_some_and(|route| signed_in.grants.lift(route).is_none()) => {
                    return tracing::debug!("an answer that went on was cut off: its route is not granted any more");
                }
                Ok(_) => {}
            }
            let now = self.clock.now();
            let known = self.kept().entries.get(&digest);
            // Nothing is known of it where identity is silent, or others came in such numbers that it was forgotten.
            let until = known.map_or(now, |e| e.access.expires_at.min(e.checked_at.plus_seconds(self.check_seconds)));
            let pause_us = u64::try_from(until.0.saturating_sub(now.0)).unwrap_or(0).max(RECHECK_US_MIN);
            tokio::select! {
                biased;
                _ = dropped.wait_for(|_| self.is_forgotten(&digest)) => {}
                () = tokio::time::sleep(Duration::from_micros(pause_us)) => {}
            }
        }
    }

    fn is_forgotten(&self, digest: &[u8; 32]) -> bool {
        self.kept().entries.get(digest).is_none()
    }

    /// Asks whether the session is open, and remembers the answer unless something was dropped meanwhile.
    async fn check_session(&self, digest: [u8; 32], access: Access, before: Option<Entry>, epoch: u64) -> Result<SignedIn, Refused> {
        let now = self.clock.now();
        let session_id = access.user.session.to_string();
        let answer = match self.identity.clone().check_session(CheckSessionRequest { session_id }).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => {
                let recent = before.filter(|entry| now < entry.checked_at.plus_seconds(GRACE_SECONDS));
                return recent.map(|entry| entry.signed_in()).ok_or(Refused::Unavailable(status));
            }
        };
        if !answer.open {
            self.session_ended(access.user.session);
            return Err(Refused::Ended);
        }
        let roles = answer.roles.iter().filter_map(|r| Role::parse(r)).collect();
        let access = Access { user: User { roles, ..access.user }, ..access };
        let grants = Arc::new(Grants::new(answer.custom_roles, answer.permissions));
        let entry = Entry { access, grants, checked_at: now };
        let signed_in = entry.signed_in();
        let mut kept = self.kept();
        if kept.epoch == epoch {
            kept.entries.put(digest, entry);
        }
        Ok(signed_in)
    }

    async fn verify(&self, token: &str, now: Time) -> Result<Access, Refused> {
        self.look_for_keys(KEYS_SECONDS).await?;
        let check = || check_access(token, &self.key_set(), &self.issuer, now);
        match check() {
            Err(TokenError::UnknownKey) => {
                self.look_for_keys(UNKNOWN_KEY_SECONDS).await?;
                check().map_err(Refused::Token)
            }
            checked => checked.map_err(Refused::Token),
        }
    }

    /// Asks for the keys where they are older than that; everybody else waits for the answer.
    async fn look_for_keys(&self, age_seconds: i64) -> Result<(), Refused> {
        let mut asked = self.asked_for_keys.lock().await;
        let now = self.clock.now();
        if asked.is_some_and(|at| now < at.plus_seconds(age_seconds)) {
            return Ok(());
        }
        let answer = self.identity.clone().get_keys(GetKeysRequest {}).await;
        let set = answer.and_then(|a| KeySet::parse(&a.into_inner().jwks).map_err(tonic::Status::internal));
        match (set, asked.is_some()) {
            (Ok(set), _) => *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(set),
            (Err(status), true) => tracing::warn!(%status, "the keys of access tokens could not be read again"),
            (Err(status), false) => return Err(Refused::Unavailable(status)),
        }
        *asked = Some(now);
        Ok(())
    }

    /// No token of this session works any more.
    pub fn session_ended(&self, session: SessionId) {
        self.drop_where(|entry| entry.access.user.session == session);
    }

    /// The roles of this user are to be asked for again.
    pub fn user_changed(&self, user_id: UserId) {
        self.drop_where(|entry| entry.access.user.id == user_id);
    }

    /// What this role opens is to be asked for again by whoever has it.
    pub fn role_changed(&self, role: &str) {
        self.drop_where(|entry| entry.grants.has(role));
    }

    fn drop_where(&self, gone: impl Fn(&Entry) -> bool) {
        let mut kept = self.kept();
        kept.epoch += 1;
        kept.entries.retain(|entry| !gone(entry));
        drop(kept);
        self.dropped.send_modify(|times| *times += 1);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key_set(&self) -> Arc<KeySet> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
