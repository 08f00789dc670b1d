//! What people say of themselves beyond their profile.

use contracts::UserId;
use serde_json::Value as Json;

use super::App;
use crate::domain::Setting;
use crate::error::Error;
use crate::store::{self, StoredSetting};

impl App {
    /// A setting of a user; `None` where nothing was said.
    pub async fn setting(&self, user: UserId, kind: Setting) -> Result<Option<StoredSetting>, Error> {
        self.db
            .read(move |q| {
                store::users::find(q, user)?.ok_or(Error::NotFound("user"))?;
                Ok(store::settings::find(q, user, kind)?)
            })
            .await
    }

    /// Puts a setting in place of what was said before, if its version is still among those that the caller expects; 0
    /// where nothing was said.
    pub async fn put_setting(
        &self,
        user: UserId,
        kind: Setting,
        data: Json,
        expects: impl Fn(i64) -> bool + Send + 'static,
    ) -> Result<StoredSetting, Error> {
        self.db
            .write(move |tx| {
                store::users::lock(tx, user)?.ok_or(Error::NotFound("user"))?;
                let before = store::settings::find(tx, user, kind)?;
                if !expects(before.map_or(0, |b| b.version)) {
                    return Err(Error::Stale);
                }
                Ok(store::settings::save(tx, user, kind, data.clone())?)
            })
            .await
    }
}
