//! Devices that messages can be pushed to.

use contracts::{SessionId, UserId};
use uuid::Uuid;

use super::App;
use crate::domain::{DEVICES_MAX, Platform, PushToken};
use crate::error::Error;
use crate::store;

impl App {
    /// Somebody's devices, the one that was said last first.
    pub async fn push_tokens(&self, user: UserId) -> Result<Vec<PushToken>, Error> {
        self.db.read(move |q| Ok(store::push_tokens(q, user)?)).await
    }

    /// A device is somebody's from now on, until the session ends in which it was said.
    pub async fn put_push_token(&self, user: UserId, session: SessionId, token: String, platform: Platform) -> Result<PushToken, Error> {
        self.db
            .write(move |tx| {
                let made = store::put_push_token(tx, user, session, &token, platform)?;
                store::trim_push_tokens(tx, user, DEVICES_MAX)?;
                Ok(made)
            })
            .await
    }

    /// A device is nobody's any more.
    pub async fn delete_push_token(&self, user: UserId, id: Uuid) -> Result<(), Error> {
        let gone = self.db.write(move |tx| Ok::<_, Error>(store::delete_push_token(tx, user, id)?)).await?;
        if gone { Ok(()) } else { Err(Error::NoPushToken) }
    }
}
