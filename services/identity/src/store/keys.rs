//! Signing keys: at most one current and one next, and those that have retired.

use contracts::Time;
use kit::db::{DbError, Query, Tx};
use kit::params;

/// A key as it lies in its table.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// Thumbprint of the public key.
    pub kid: String,
    /// Whether it is the one that signs.
    pub is_current: bool,
    /// 32 bytes.
    pub public_key: Vec<u8>,
    /// The private key, sealed under the master key.
    pub sealed_key: Vec<u8>,
}

/// All keys, oldest first.
pub fn all(q: &mut Query) -> Result<Vec<StoredKey>, DbError> {
    let rows = q.rows("SELECT kid, state, public_key, sealed_key FROM identity.signing_keys ORDER BY created_at, kid", &[])?;
    let key = |r: &kit::Row| {
        let state: String = r.get(1)?;
        Ok(StoredKey { kid: r.get(0)?, is_current: state == "current", public_key: r.get(2)?, sealed_key: r.get(3)? })
    };
    rows.iter().map(key).collect()
}

/// Retires the current key if it became current at or before `before`; the next one takes over. True where it did.
pub fn turn(tx: &mut Tx, before: Time) -> Result<bool, DbError> {
    let now = tx.now();
    let retired = tx.execute(
        "UPDATE identity.signing_keys SET state = 'retired', since = $2 WHERE state = 'current' AND since <= $1",
        params![before, now],
    )?;
    if retired == 0 {
        return Ok(false);
    }
    tx.execute("UPDATE identity.signing_keys SET state = 'current', since = $1 WHERE state = 'next'", params![now])?;
    Ok(true)
}

/// Stores a key in `state`, `current` or `next`, unless there is one already.
pub fn fill(tx: &mut Tx, state: &str, key: &StoredKey) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO identity.signing_keys (kid, state, public_key, sealed_key, created_at, since) VALUES ($1, $2, $3, $4, $5, $5) \
         ON CONFLICT DO NOTHING",
        params![&key.kid, state, key.public_key.clone(), key.sealed_key.clone(), now],
    )?;
    Ok(())
}

/// Forgets keys that retired before `before`: no token that they signed is still alive.
pub fn forget_retired(tx: &mut Tx, before: Time) -> Result<(), DbError> {
    tx.execute("DELETE FROM identity.signing_keys WHERE state = 'retired' AND since < $1", params![before])?;
    Ok(())
}
