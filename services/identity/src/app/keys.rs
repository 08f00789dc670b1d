//! The keys that sign access tokens, and their turns.
//!
//! There is always a current key, which signs, and a next one, which does not sign yet but is published already, so
//! that everybody who verifies has it long before its first token. At its turn the current key retires; it stays
//! published until the last token that it signed has expired. Private keys lie in the database sealed under the master
//! key. Every node reads them again each minute: the next key needs no restart.

use std::sync::{Arc, Mutex, PoisonError};

use contracts::Time;
use kit::auth::{ACCESS_SECONDS, KeySet, PublicKey, Signer, open, seal};
use kit::service::Sealed;
use kit::{Clock, Db, Ids};

use crate::error::Error;
use crate::store::keys::{self as store, StoredKey};

/// What the sealed keys are sealed for.
const PURPOSE: &str = "identity/signing-keys";
/// How long a node may go on signing with a key that has retired, in seconds.
const READ_AGAIN_SECONDS: i64 = 60;
/// How long verifiers may need to notice, and clocks may differ, in seconds.
const MARGIN_SECONDS: i64 = 3600;

/// The signing keys of this node.
#[derive(Clone)]
pub struct Keys {
    db: Db,
    clock: Clock,
    ids: Ids,
    master_key: [u8; 32],
    turn_seconds: i64,
    ring: Arc<Mutex<Option<Arc<Ring>>>>,
}

/// The keys as they were read.
pub struct Ring {
    read_at: Time,
    /// Signs.
    pub signer: Signer,
    /// Verify: current, next and retired.
    pub public: KeySet,
}

/// The private key that signs.
pub const SEALED: Sealed = Sealed {
    what: "the keys that sign people in",
    opens: |q, master_key| {
        let mut current = store::all(q)?.into_iter().filter(|key| key.is_current);
        Ok(current.all(|key| open(master_key, PURPOSE, &key.sealed_key, key.kid.as_bytes()).is_ok()))
    },
};

impl Keys {
    /// A new key takes its turn every `turn_seconds`.
    pub fn new(db: Db, clock: Clock, ids: Ids, master_key: [u8; 32], turn_seconds: i64) -> Keys {
        Keys { db, clock, ids, master_key, turn_seconds, ring: Arc::default() }
    }

    /// The keys to sign and to verify with; makes the first ones.
    pub async fn ring(&self) -> Result<Arc<Ring>, Error> {
        if let Some(ring) = self.remembered() {
            return Ok(ring);
        }
        let read_at = self.clock.now();
        let mut stored = self.db.read(store::all).await?;
        if !stored.iter().any(|k| k.is_current) {
            self.turn().await?;
            stored = self.db.read(store::all).await?;
        }
        let ring = Arc::new(self.open(&stored, read_at)?);
        *self.ring.lock().unwrap_or_else(PoisonError::into_inner) = Some(ring.clone());
        Ok(ring)
    }

    /// Lets the next key take over where it is time, makes keys that are missing, and forgets those that nothing alive
    /// is signed with. Harmless when run often or on several nodes at once.
    pub async fn turn(&self) -> Result<(), Error> {
        let (current, next) = (self.draw(), self.draw());
        let turn_seconds = self.turn_seconds;
        self.db
            .write(move |tx| {
                let now = tx.now();
                store::turn(tx, now.plus_seconds(-turn_seconds))?;
                store::fill(tx, "current", &current)?;
                store::fill(tx, "next", &next)?;
                store::forget_retired(tx, now.plus_seconds(-(ACCESS_SECONDS + READ_AGAIN_SECONDS + MARGIN_SECONDS)))
            })
            .await?;
        Ok(())
    }

    fn remembered(&self) -> Option<Arc<Ring>> {
        let age = |read_at: Time| self.clock.now().0 - read_at.0;
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ring.filter(|r| (0..READ_AGAIN_SECONDS * 1_000_000).contains(&age(r.read_at)))
    }

    fn draw(&self) -> StoredKey {
        let secret = self.ids.bytes::<32>();
        let public = Signer::new(&secret).public();
        let kid = public.kid().to_owned();
        let sealed_key = seal(&self.master_key, PURPOSE, self.ids.bytes(), &secret, kid.as_bytes());
        StoredKey { kid, is_current: false, public_key: public.bytes().to_vec(), sealed_key }
    }

    fn open(&self, stored: &[StoredKey], read_at: Time) -> Result<Ring, Error> {
        let damaged = |key: &StoredKey, why: &str| Error::Internal(format!("signing key {}: {why}", key.kid));
        let mut signer = None;
        let mut public = Vec::new();
        for key in stored {
            let bytes = <[u8; 32]>::try_from(key.public_key.as_slice()).ok();
            public.push(bytes.and_then(|b| PublicKey::new(&b)).ok_or_else(|| damaged(key, "its public key is not one"))?);
            if key.is_current {
                let secret = open(&self.master_key, PURPOSE, &key.sealed_key, key.kid.as_bytes());
                let secret = secret.map_err(|e| damaged(key, &format!("{e}; is the master key the one it was made under?")))?;
                signer = <[u8; 32]>::try_from(secret).ok().map(|s| Signer::new(&s));
            }
        }
        let signer = signer.ok_or_else(|| Error::Internal("there is no current signing key".into()))?;
        Ok(Ring { read_at, signer, public: KeySet::new(public) })
    }
}
