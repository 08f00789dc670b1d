//! Address books.

use contracts::UserId;
use kit::db::Tx;
use kit::http::After;
use kit::idempotency::{self, Answer, Key};
use uuid::Uuid;

use super::register::look_up;
use super::{App, Keyed};
use crate::domain::{Address, AddressForm};
use crate::error::Error;
use crate::store::addresses as store;

impl App {
    /// A page of a user's addresses.
    pub async fn addresses(&self, user: UserId, after: After, limit: i64) -> Result<Vec<Address>, Error> {
        self.db.read(move |q| Ok(store::list(q, user, after, limit)?)).await
    }

    /// One address of a user.
    pub async fn address(&self, user: UserId, id: Uuid) -> Result<Address, Error> {
        self.db.read(move |q| find(q, user, id)).await
    }

    /// Adds an address. The first one is the default unless it says otherwise. `answer` makes the answer, which a
    /// repeat with the same key gets again.
    pub async fn add_address(
        &self,
        user: UserId,
        form: AddressForm,
        key: Option<Key>,
        answer: fn(&Address) -> Answer,
    ) -> Result<Keyed<Answer>, Error> {
        let max = self.config.addresses_per_user_max;
        self.db
            .write(move |tx| {
                if let Some(before) = look_up(tx, key.as_ref())? {
                    return Ok(Keyed::Before(before));
                }
                let now = answer(&add(tx, user, &form, max)?);
                if let Some(key) = &key {
                    idempotency::remember(tx, key, &now)?;
                }
                Ok(Keyed::Now(now))
            })
            .await
    }

    /// Replaces an address, if its version is still among those that the caller expects.
    pub async fn change_address(
        &self,
        user: UserId,
        id: Uuid,
        form: AddressForm,
        expects: impl Fn(i64) -> bool + Send + 'static,
    ) -> Result<Address, Error> {
        self.db
            .write(move |tx| {
                store::lock(tx, user)?;
                let before = find(tx, user, id)?;
                if !expects(before.version) {
                    return Err(Error::Stale);
                }
                let is_default = form.is_default.unwrap_or(before.is_default);
                if is_default && !before.is_default {
                    store::clear_default(tx, user)?;
                }
                Ok(store::update(tx, &before, form.clone(), is_default)?)
            })
            .await
    }

    /// Takes an address out of the book. Another one becomes the default only when its owner says so.
    pub async fn delete_address(&self, user: UserId, id: Uuid, expects: impl Fn(i64) -> bool + Send + 'static) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                store::lock(tx, user)?;
                if !expects(find(tx, user, id)?.version) {
                    return Err(Error::Stale);
                }
                Ok(store::delete(tx, user, id)?)
            })
            .await
    }
}

fn find(q: &mut kit::Query, user: UserId, id: Uuid) -> Result<Address, Error> {
    store::find(q, user, id)?.ok_or(Error::NotFound("address"))
}

fn add(tx: &mut Tx, user: UserId, form: &AddressForm, max: i64) -> Result<Address, Error> {
    let Some(count) = store::reserve(tx, user, max)? else {
        let known = crate::store::users::find(tx, user)?.is_some();
        return Err(if known { Error::TooManyAddresses } else { Error::NotFound("user") });
    };
    let is_default = form.is_default.unwrap_or(count == 1);
    if is_default {
        store::clear_default(tx, user)?;
    }
    Ok(store::insert(tx, user, form.clone(), is_default)?)
}
