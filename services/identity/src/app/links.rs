//! Links by mail: a new password for one that was forgotten, and the proof that an address is somebody's.
//!
//! A link is a row first; its token is drawn when the mail is written, so that neither events nor rows ever hold one.
//! Whether an account exists shows nowhere: asking for a link does the same work for every address, and a job finds out
//! afterwards.

use contracts::UserId;
use contracts::events::identity::{UserLinkRequested, UserVerified};
use kit::db::{DbError, Tx};
use kit::jobs::{self, Job, JobOutcome};
use serde_json::json;
use uuid::Uuid;

use super::sessions::end_all;
use super::tokens::RefreshToken;
use super::{App, Origin};
use crate::config::Config;
use crate::domain::{Email, Password, Purpose, Status, User};
use crate::error::Error;
use crate::store;

/// The job that looks whether an address has an account.
pub const RESET_JOB: &str = "reset_link";

/// A link with its token, for the mail.
pub struct Issued {
    /// What it is for.
    pub purpose: String,
    /// What proves it.
    pub token: String,
    /// Whom to write to.
    pub user: User,
}

impl App {
    /// Somebody says that a password was forgotten.
    pub async fn forgot_password(&self, email: Email, origin: Origin) -> Result<(), Error> {
        let attempt = self.limits.reset(&email, &origin);
        self.db
            .write(move |tx| {
                attempt.begin(tx)?;
                let (id, now) = (tx.id(), tx.now());
                Ok::<_, Error>(jobs::queue(tx, RESET_JOB, &id.to_string(), json!({"email": email.normal()}), now)?)
            })
            .await
    }

    /// Makes the link, where the address has an account that may be used.
    pub async fn make_reset_link(&self, job: Job) -> JobOutcome {
        let config = self.config.clone();
        let done = self.db.write(move |tx| {
            let known = store::users::credentials(tx, job.payload["email"].as_str().unwrap_or_default())?;
            match known.filter(|k| k.status == Status::Active) {
                Some(known) => request(tx, known.user, Purpose::ResetPassword, &config),
                None => Ok(()),
            }
        });
        done.await.map_or_else(|e: DbError| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done)
    }

    /// Draws the token of a link for its mail; one that was drawn before is no longer good.
    pub async fn issue_link(&self, id: Uuid) -> Result<Issued, Error> {
        let token = RefreshToken::draw(&self.ids);
        let hash = token.hash();
        let (user, purpose) = self
            .db
            .write(move |tx| {
                let (user, purpose) = store::links::set_token(tx, id, &hash)?.ok_or(Error::NotFound("link"))?;
                let user = store::users::find(tx, user)?.filter(|u| u.status == Status::Active).ok_or(Error::NotFound("link"))?;
                Ok::<_, Error>((user, purpose))
            })
            .await?;
        Ok(Issued { purpose, token: token.reveal(), user })
    }

    /// Whether a token is good for what it was sent for; it stays so.
    pub async fn link_is_open(&self, purpose: Purpose, token: &str) -> Result<bool, Error> {
        let Some(token) = RefreshToken::parse(token) else { return Ok(false) };
        let (hash, now) = (token.hash(), self.clock.now());
        self.db.read(move |q| Ok(store::links::user_of(q, purpose, &hash, now)?.is_some())).await
    }

    /// A new password by the token of a link. All sessions end: whoever had the old password is out.
    pub async fn reset_password(&self, token: &str, password: Password, origin: Origin) -> Result<(), Error> {
        let hash = RefreshToken::parse(token).ok_or(Error::InvalidLink)?.hash();
        // Before the password is hashed, which costs far more than a token that is wrong.
        if !self.link_is_open(Purpose::ResetPassword, token).await? {
            return Err(Error::InvalidLink);
        }
        let new_hash = self.passwords.hash(password).await?;
        let limits = self.limits.clone();
        self.db
            .write(move |tx| {
                let user = store::links::spend(tx, Purpose::ResetPassword, &hash)?.ok_or(Error::InvalidLink)?;
                let user = store::users::lock(tx, user)?.filter(|u| u.status == Status::Active).ok_or(Error::InvalidLink)?;
                store::links::spend_all(tx, user.id, Purpose::ResetPassword)?;
                store::users::save_password(tx, user.id, &new_hash)?;
                // Who gets mail at the address may sign in again at once, and has proved that it is theirs.
                if let Ok(email) = Email::parse(&user.email) {
                    limits.of_account(&email, &origin).succeeded(tx)?;
                }
                verify(tx, user.id)?;
                end_all(tx, user.id, "password_reset")
            })
            .await
    }

    /// Takes an address as its owner's by the token of a link.
    pub async fn verify_email(&self, token: &str) -> Result<(), Error> {
        let hash = RefreshToken::parse(token).ok_or(Error::InvalidLink)?.hash();
        self.db
            .write(move |tx| {
                let user = store::links::spend(tx, Purpose::VerifyEmail, &hash)?.ok_or(Error::InvalidLink)?;
                verify(tx, user)
            })
            .await
    }

    /// Another link for somebody whose address is not proved; nothing where it is.
    pub async fn send_verification(&self, user: UserId, origin: Origin) -> Result<(), Error> {
        let (config, limits) = (self.config.clone(), self.limits.clone());
        self.db
            .write(move |tx| {
                let user = store::users::find(tx, user)?.ok_or(Error::NotFound("user"))?;
                if user.email_verified {
                    return Ok(());
                }
                if let Ok(email) = Email::parse(&user.email) {
                    limits.reset(&email, &origin).begin(tx)?;
                }
                Ok(request(tx, user.id, Purpose::VerifyEmail, &config)?)
            })
            .await
    }
}

/// Makes a link and tells whoever writes mail.
pub fn request(tx: &mut Tx, user: UserId, purpose: Purpose, config: &Config) -> Result<(), DbError> {
    let seconds = match purpose {
        Purpose::ResetPassword => config.reset_link_seconds,
        Purpose::VerifyEmail => config.verify_link_seconds,
    };
    let expires_at = tx.now().plus_seconds(seconds);
    let link_id = store::links::insert(tx, user, purpose, expires_at)?;
    tx.publish(UserLinkRequested { user_id: user, link_id, purpose: purpose.as_str().into() })
}

fn verify(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    if store::users::verify_email(tx, user)? {
        tx.publish(UserVerified { user_id: user })?;
    }
    Ok(())
}
