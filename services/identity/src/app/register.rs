//! Registering.
//!
//! That a taken address is told apart (`409`) is part of the contract, and the one way to learn whether somebody has an
//! account; each such answer costs one of the network address's attempts. With an idempotency key the answer of the
//! first time is stored, tokens and all: sealed, and under peppered hashes, because the request holds a password.

use std::collections::BTreeSet;

use kit::Role;
use kit::auth::{open, seal};
use kit::db::Tx;
use kit::idempotency::{self, Answer, Key, Seen};

use super::accounts::insert;
use super::{App, Keyed, Origin, SignedIn, links, open_session};
use crate::domain::{Email, Purpose, Registration};
use crate::error::Error;
use crate::store;

/// What the stored answers are sealed for.
const PURPOSE: &str = "identity/registrations";

/// What is known before anything is done.
enum Found {
    Nothing,
    Taken,
    Answered(Answer),
}

impl App {
    /// A new account, signed in. `body` makes the answer's body, for the idempotency key.
    pub async fn register(
        &self,
        registration: Registration,
        origin: Origin,
        key: Option<Key>,
        body: fn(&SignedIn) -> Vec<u8>,
    ) -> Result<Keyed<SignedIn>, Error> {
        let key = key.map(|k| self.hide(k, &registration.email));
        let attempt = self.limits.registration(&origin);
        let (asked, email, asked_key) = (attempt.clone(), registration.email.clone(), key.clone());
        let found = self
            .db
            .write(move |tx| {
                if let Some(answer) = look_up(tx, asked_key.as_ref())? {
                    return Ok(Found::Answered(answer));
                }
                asked.begin(tx)?;
                let taken = store::users::credentials(tx, email.normal())?.is_some();
                Ok::<_, Error>(if taken { Found::Taken } else { Found::Nothing })
            })
            .await?;
        match found {
            Found::Answered(answer) => return self.reveal(key, answer),
            Found::Taken => return Err(Error::EmailTaken),
            Found::Nothing => {}
        }
        let hash = self.passwords.hash(registration.password.clone()).await?;
        let (fresh, config, nonce, master_key) = (self.fresh().await?, self.config.clone(), self.ids.bytes(), self.master_key);
        let used_key = key.clone();
        let registered = self
            .db
            .write(move |tx| {
                let Some(user) = insert(tx, &registration, &hash, &BTreeSet::from([Role::Customer]))? else {
                    // Perhaps by this very request, sent twice at the same moment.
                    return look_up(tx, used_key.as_ref())?.map(Keyed::Before).ok_or(Error::EmailTaken);
                };
                attempt.succeeded(tx)?;
                links::request(tx, user.id, Purpose::VerifyEmail, &config)?;
                let session = open_session(tx, user.id, &origin, &fresh, &config)?;
                let signed_in = fresh.signed_in(user, session, tx.now());
                if let Some(key) = &used_key {
                    let sealed = seal(&master_key, PURPOSE, nonce, &body(&signed_in), key.key.as_bytes());
                    idempotency::remember(tx, key, &Answer { status: 201, location: None, body: sealed })?;
                }
                Ok(Keyed::Now(signed_in))
            })
            .await?;
        match registered {
            Keyed::Before(answer) => self.reveal(key, answer),
            now => Ok(now),
        }
    }

    /// The key as it may be stored. Its scope is the address that registers: nobody else meets it.
    fn hide(&self, key: Key, email: &Email) -> Key {
        let whose = kit::auth::hex(&self.pepper.hash("registration", email.normal().as_bytes()));
        let request_hash = self.pepper.hash("request", &key.request_hash);
        Key { scope: format!("register:{whose}"), request_hash, ..key }
    }

    fn reveal(&self, key: Option<Key>, answer: Answer) -> Result<Keyed<SignedIn>, Error> {
        let owner = key.map(|k| k.key).unwrap_or_default();
        let body = open(&self.master_key, PURPOSE, &answer.body, owner.as_bytes());
        let body = body.map_err(|e| Error::Internal(format!("stored registration: {e}")))?;
        Ok(Keyed::Before(Answer { body, ..answer }))
    }
}

/// The answer that a key was given before.
pub fn look_up(tx: &mut Tx, key: Option<&Key>) -> Result<Option<Answer>, Error> {
    let Some(key) = key else { return Ok(None) };
    match idempotency::look_up(tx, key)? {
        Seen::New => Ok(None),
        Seen::Answered(answer) => Ok(Some(answer)),
        Seen::Claimed(_) => Err(Error::KeyInUse),
        Seen::Mismatch => Err(Error::KeyReused),
    }
}
