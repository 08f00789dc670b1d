//! The use cases. Each one that changes something is one transaction, but for those that hash a password: they ask
//! first whether they may, hash outside any transaction, and then do it.

mod accounts;
mod addresses;
mod attempts;
mod keys;
mod links;
mod origin;
mod passwords;
mod pepper;
mod photos;
mod prune;
mod register;
mod roles;
mod sessions;
mod settings;
mod tokens;
mod users;

use std::sync::Arc;

use contracts::events::identity::{SessionEnded, UserSignedIn};
use contracts::{SessionId, Time, UserId};
use kit::auth::{ACCESS_SECONDS, issue_access};
use kit::channel::WeakDirectory;
use kit::db::Tx;
use kit::http::RouteInfo;
use kit::idempotency::Answer;
use kit::{BuildError, Clock, Db, Env, Ids};
use uuid::Uuid;

use attempts::Limits;
pub use keys::SEALED;
use keys::{Keys, Ring};
pub use links::RESET_JOB;
pub use origin::Origin;
use passwords::Passwords;
use pepper::Pepper;
use tokens::RefreshToken;

use crate::config::Config;
use crate::domain::{Session, User};
use crate::error::Error;
use crate::store;

/// Everything that the use cases stand on.
#[derive(Clone)]
pub struct App {
    /// The signing keys.
    pub keys: Keys,
    /// `iss` of every access token: the public address.
    pub issuer: Arc<str>,
    db: Db,
    clock: Clock,
    ids: Ids,
    config: Arc<Config>,
    passwords: Passwords,
    limits: Limits,
    pepper: Pepper,
    master_key: [u8; 32],
    directory: WeakDirectory,
    development: bool,
}

/// An answer with an idempotency key: made now, or the one of the first time.
pub enum Keyed<T> {
    /// It was done.
    Now(T),
    /// It had been done; this was the answer.
    Before(Answer),
}

/// Somebody who has just signed in or renewed a session.
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// Signed, for 15 minutes.
    pub access_token: String,
    /// Opaque, for one use.
    pub refresh_token: String,
    /// Life of the access token, in seconds.
    pub expires_in: i64,
}

/// What a new pair of tokens is made of, drawn before the transaction.
#[derive(Clone)]
struct Fresh {
    refresh: RefreshToken,
    access_id: Uuid,
    ring: Arc<Ring>,
    issuer: Arc<str>,
}

impl App {
    /// From what the service is given.
    pub fn new(env: &Env, config: Config) -> Result<App, BuildError> {
        let (db, clock, ids) = (env.db.clone(), env.clock.clone(), env.ids.clone());
        let master_key = env.shared.master_key;
        let pepper = Pepper::new(&master_key);
        let turn_seconds = config.key_rotation_days * 24 * 3600;
        Ok(App {
            keys: Keys::new(db.clone(), clock.clone(), ids.clone(), master_key, turn_seconds),
            issuer: env.shared.public_url.as_str().into(),
            passwords: Passwords::new(env.tasks.clone(), ids.clone(), &config.password)?,
            limits: Limits::new(&config.attempts, env.shared.development, pepper.clone()),
            config: Arc::new(config),
            db,
            clock,
            ids,
            pepper,
            master_key,
            directory: env.directory.downgrade(),
            development: env.shared.development,
        })
    }

    /// Every route of every service, as far as it is there.
    pub fn routes(&self) -> Vec<RouteInfo> {
        let all = self.directory.upgrade().map(|d| d.routes()).unwrap_or_default();
        all.into_iter().filter(|r| r.is_there(self.development)).collect()
    }

    async fn fresh(&self) -> Result<Fresh, Error> {
        let (ring, issuer) = (self.keys.ring().await?, self.issuer.clone());
        Ok(Fresh { refresh: RefreshToken::draw(&self.ids), access_id: self.ids.uuid(self.clock.now()), ring, issuer })
    }
}

impl Fresh {
    /// The answer to somebody whose session was opened or renewed at `now`.
    fn signed_in(&self, user: User, session: SessionId, now: Time) -> SignedIn {
        let roles = user.roles.iter().copied().collect();
        let subject = kit::auth::User { id: user.id, session, roles };
        let access_token = issue_access(&self.ring.signer, &self.issuer, &subject, self.access_id, now);
        SignedIn { user, access_token, refresh_token: self.refresh.reveal(), expires_in: ACCESS_SECONDS }
    }
}

/// Opens a session, ends the oldest where there are too many, and tells the others.
fn open_session(tx: &mut Tx, user: UserId, origin: &Origin, fresh: &Fresh, config: &Config) -> Result<SessionId, Error> {
    let now = tx.now();
    let session = Session {
        id: SessionId(tx.id()),
        user,
        device: origin.device.clone(),
        address: origin.address.map(|a| a.to_canonical().to_string()),
        created_at: now,
        used_at: now,
        expires_at: now.plus_seconds(config.refresh_token_seconds.min(config.session_seconds_max)),
    };
    store::sessions::insert(tx, &session, now.plus_seconds(config.session_seconds_max), &fresh.refresh.hash())?;
    for session_id in store::sessions::end_all(tx, user, config.sessions_per_user_max, "too_many_sessions")? {
        tx.publish(SessionEnded { user_id: user, session_id, reason: "too_many_sessions".into() })?;
    }
    tx.publish(UserSignedIn { user_id: user, session_id: session.id, guest: origin.guest.clone() })?;
    Ok(session.id)
}
