//! Signing in, and accounts that are made from inside.

use std::collections::BTreeSet;

use contracts::UserId;
use contracts::events::identity::{UserRegistered, UserRoleChanged};
use kit::Role;
use kit::db::{DbError, Tx};

use super::passwords::Verified;
use super::users::change_roles;
use super::{App, Origin, SignedIn, open_session};
use crate::domain::{Email, Password, Registration, Status, User};
use crate::error::Error;
use crate::store;

/// An account that is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ensured {
    /// Whose.
    pub user: UserId,
    /// Whether it was made just now.
    pub is_new: bool,
}

impl App {
    /// A session for somebody who knows the password.
    pub async fn sign_in(&self, email: Email, password: Password, origin: Origin) -> Result<SignedIn, Error> {
        let attempt = self.limits.sign_in(&email, &origin);
        let asked = attempt.clone();
        let known = self
            .db
            .write(move |tx| {
                asked.begin(tx)?;
                Ok::<_, Error>(store::users::credentials(tx, email.normal())?)
            })
            .await?;
        let stored = known.as_ref().and_then(|k| k.password_hash.clone());
        let verified = self.passwords.verify(password, stored.clone()).await?;
        let (Some(known), Some(stored)) = (known, stored) else { return Err(Error::InvalidCredentials) };
        let new_hash = match verified {
            Verified::Wrong => return Err(Error::InvalidCredentials),
            Verified::Right => None,
            Verified::Rehashed(hash) => Some(hash),
        };
        if known.status == Status::Deactivated {
            return Err(Error::Deactivated);
        }
        let (fresh, config) = (self.fresh().await?, self.config.clone());
        let drawn = fresh.clone();
        let (user, session, now) = self
            .db
            .write(move |tx| {
                // Deactivated or given another password in between: no longer what was compared.
                let user = store::users::sign_in(tx, known.user, &stored, new_hash.clone())?.ok_or(Error::InvalidCredentials)?;
                attempt.succeeded(tx)?;
                let session = open_session(tx, user.id, &origin, &drawn, &config)?;
                Ok::<_, Error>((user, session, tx.now()))
            })
            .await?;
        Ok(fresh.signed_in(user, session, now))
    }

    /// The account with this address and at least these roles; made where it is not there.
    pub async fn ensure_user(&self, registration: Registration, roles: BTreeSet<Role>) -> Result<Ensured, Error> {
        let email = registration.email.clone();
        let found = self.db.read(move |q| store::users::credentials(q, email.normal())).await?;
        let hash = if found.is_some() { None } else { Some(self.passwords.hash(registration.password.clone()).await?) };
        self.db
            .write(move |tx| {
                if let Some(hash) = &hash
                    && let Some(user) = insert(tx, &registration, hash, &roles)?
                {
                    tell_roles(tx, &user)?;
                    return Ok(Ensured { user: user.id, is_new: true });
                }
                // It was there before, or somebody else has just made it.
                let known = store::users::credentials(tx, registration.email.normal())?.ok_or(Error::Db(DbError::Conflict))?;
                change_roles(tx, known.user, |now| now.and(&roles))?;
                Ok(Ensured { user: known.user, is_new: false })
            })
            .await
    }
}

/// Tells the others of roles that a new account has besides the one that everybody has.
fn tell_roles(tx: &mut Tx, user: &User) -> Result<(), Error> {
    if user.roles.len() > 1 {
        let roles = user.roles.iter().map(|r| r.as_str().to_owned()).collect();
        tx.publish(UserRoleChanged { user_id: user.id, roles })?;
    }
    Ok(())
}

/// A new account, told to the others; `None` where its address is taken.
pub fn insert(tx: &mut Tx, registration: &Registration, hash: &str, roles: &BTreeSet<Role>) -> Result<Option<User>, Error> {
    let user = store::users::insert(tx, registration, hash, roles)?;
    if let Some(user) = &user {
        tx.publish(UserRegistered { user_id: user.id })?;
    }
    Ok(user)
}
