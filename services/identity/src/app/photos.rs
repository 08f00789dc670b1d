//! Pictures of people.

use contracts::UserId;
use contracts::events::identity::UserProfileUpdated;
use sha2::{Digest, Sha256};

use super::App;
use crate::domain::Photo;
use crate::error::Error;
use crate::store::{self, StoredPhoto};

impl App {
    /// What is known of a user's picture, with its bytes unless the caller `has` them: it is told their hash.
    pub async fn photo(&self, user: UserId, has: impl Fn(&[u8]) -> bool + Send + 'static) -> Result<(StoredPhoto, Option<Vec<u8>>), Error> {
        self.db
            .read(move |q| {
                store::users::find(q, user)?.ok_or(Error::NotFound("user"))?;
                let photo = store::photos::find(q, user)?.ok_or(Error::NotFound("photo"))?;
                let content = if has(&photo.hash) { None } else { store::photos::content(q, user)? };
                Ok((photo, content))
            })
            .await
    }

    /// Puts a picture in place of the one before, if that is what the caller expects: `expects` is told its hash, or
    /// nothing where there was none. The same picture again changes nothing; other ones are counted, and refused when they are many.
    pub async fn put_photo(
        &self,
        user: UserId,
        photo: Photo,
        expects: impl Fn(Option<&[u8]>) -> bool + Send + 'static,
    ) -> Result<StoredPhoto, Error> {
        let hash = Sha256::digest(&photo.content).to_vec();
        let attempt = self.limits.picture(user);
        self.db
            .write(move |tx| {
                let owner = store::users::lock(tx, user)?.ok_or(Error::NotFound("user"))?;
                let before = store::photos::find(tx, user)?;
                if !expects(before.as_ref().map(|b| b.hash.as_slice())) {
                    return Err(Error::Stale);
                }
                if let Some(before) = before.filter(|b| b.hash == hash) {
                    return Ok(before);
                }
                attempt.begin(tx)?;
                tx.publish(UserProfileUpdated { user_id: user })?;
                store::users::count_change(tx, &owner)?;
                Ok(store::photos::save(tx, user, &photo, &hash)?)
            })
            .await
    }

    /// Takes a user's picture away, if it is still the one that the caller expects.
    pub async fn delete_photo(&self, user: UserId, expects: impl Fn(Option<&[u8]>) -> bool + Send + 'static) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                let owner = store::users::lock(tx, user)?.ok_or(Error::NotFound("user"))?;
                let before = store::photos::find(tx, user)?.ok_or(Error::NotFound("photo"))?;
                if !expects(Some(&before.hash)) {
                    return Err(Error::Stale);
                }
                tx.publish(UserProfileUpdated { user_id: user })?;
                store::users::count_change(tx, &owner)?;
                Ok(store::photos::delete(tx, user)?)
            })
            .await
    }
}
