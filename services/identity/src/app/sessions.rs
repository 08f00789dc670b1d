//! Keeping sessions open, and ending them.

use contracts::events::identity::SessionEnded;
use contracts::{SessionId, Time, UserId};
use kit::db::Tx;
use kit::http::After;
use std::collections::BTreeSet;

use super::tokens::RefreshToken;
use super::{App, SignedIn};
use crate::domain::{Session, Status, User};
use crate::error::Error;
use crate::store;

/// What came of a refresh token. A reuse is no refusal of the transaction: what it ends must stay ended.
enum Refreshed {
    Renewed(Box<User>, SessionId, Time),
    Reused,
    Invalid,
}

/// A session that is open, and what it opens now.
pub struct OpenSession {
    /// Whose, with their roles.
    pub user: User,
    /// The routes that roles of the marketplace's own making open to them.
    pub permissions: BTreeSet<String>,
}

impl App {
    /// A new pair of tokens for a refresh token that was never used. One that was ends its session.
    pub async fn refresh(&self, token: &str) -> Result<SignedIn, Error> {
        let Some(token) = RefreshToken::parse(token) else { return Err(Error::InvalidRefreshToken) };
        let (old, fresh) = (token.hash(), self.fresh().await?);
        let (new, keep_seconds) = (fresh.refresh.hash(), self.config.refresh_token_seconds);
        let refreshed = self
            .db
            .write(move |tx| match store::sessions::use_token(tx, &old)? {
                Some(session) => renew(tx, session, &new, keep_seconds),
                None => punish(tx, &old),
            })
            .await?;
        match refreshed {
            Refreshed::Renewed(user, session, now) => Ok(fresh.signed_in(*user, session, now)),
            Refreshed::Reused => Err(Error::RefreshTokenReused),
            Refreshed::Invalid => Err(Error::InvalidRefreshToken),
        }
    }

    /// Ends one session of a user.
    pub async fn end_session(&self, user: UserId, session: SessionId) -> Result<(), Error> {
        let ended = self.db.write(move |tx| end(tx, user, session, "signed_out")).await?;
        if ended { Ok(()) } else { Err(Error::NotFound("session")) }
    }

    /// Ends every session of a user.
    pub async fn end_all_sessions(&self, user: UserId) -> Result<(), Error> {
        self.db.write(move |tx| end_all(tx, user, "signed_out")).await
    }

    /// A page of a user's open sessions.
    pub async fn sessions(&self, user: UserId, after: After, limit: i64) -> Result<Vec<Session>, Error> {
        let now = self.clock.now();
        self.db.read(move |q| Ok(store::sessions::list(q, user, now, after, limit)?)).await
    }

    /// Whose session it is and what they may do now; `None` where it has ended.
    pub async fn check_session(&self, session: SessionId) -> Result<Option<OpenSession>, Error> {
        let now = self.clock.now();
        self.db
            .read(move |q| {
                let Some(id) = store::sessions::user_of_open(q, session, now)? else { return Ok(None) };
                let user = store::users::find(q, id)?.filter(|u| u.status == Status::Active);
                let Some(user) = user else { return Ok(None) };
                // Most people have none of these roles, and cost no second statement.
                let permissions = if user.custom_roles.is_empty() { BTreeSet::new() } else { store::roles::permissions_of(q, id)? };
                Ok(Some(OpenSession { user, permissions }))
            })
            .await
    }
}

/// Ends all sessions of a user and tells the others.
pub fn end_all(tx: &mut Tx, user: UserId, reason: &str) -> Result<(), Error> {
    for session_id in store::sessions::end_all(tx, user, 0, reason)? {
        tx.publish(SessionEnded { user_id: user, session_id, reason: reason.to_owned() })?;
    }
    Ok(())
}

fn end(tx: &mut Tx, user: UserId, session: SessionId, reason: &str) -> Result<bool, Error> {
    let ended = store::sessions::end(tx, user, session, reason)?;
    if ended {
        tx.publish(SessionEnded { user_id: user, session_id: session, reason: reason.to_owned() })?;
    }
    Ok(ended)
}

fn renew(tx: &mut Tx, session: SessionId, new_hash: &[u8], keep_seconds: i64) -> Result<Refreshed, Error> {
    let now = tx.now();
    let Some(id) = store::sessions::renew(tx, session, now.plus_seconds(keep_seconds))? else { return Ok(Refreshed::Invalid) };
    store::sessions::insert_token(tx, session, new_hash)?;
    let user = store::users::find(tx, id)?.filter(|u| u.status == Status::Active);
    Ok(user.map_or(Refreshed::Invalid, |u| Refreshed::Renewed(Box::new(u), session, now)))
}

fn punish(tx: &mut Tx, used_hash: &[u8]) -> Result<Refreshed, Error> {
    let Some((session, user)) = store::sessions::of_used_token(tx, used_hash)? else { return Ok(Refreshed::Invalid) };
    end(tx, user, session, "refresh_token_reused")?;
    Ok(Refreshed::Reused)
}
