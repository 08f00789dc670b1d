//! Who works in a store besides its owner.

use contracts::{UserId, VendorId};
use kit::db::{DbError, Query, Tx};
use kit::params;

use crate::domain::Member;

/// The staff of a store, longest there first.
pub(crate) fn list(q: &mut Query, store: VendorId) -> Result<Vec<Member>, DbError> {
    let rows = q.rows("SELECT user_id, added_at FROM vendors.staff WHERE store_id = $1 ORDER BY added_at, user_id", params![store.0])?;
    rows.iter().map(|r| Ok(Member { user_id: UserId(r.get(0)?), added_at: r.get(1)? })).collect()
}

/// Adds somebody, who may be there already.
pub(crate) fn add(tx: &mut Tx, store: VendorId, user: UserId) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO vendors.staff (store_id, user_id, added_at) VALUES ($1, $2, $3) ON CONFLICT (store_id, user_id) DO NOTHING",
        params![store.0, user.0, now],
    )
    .map(drop)
}

/// Removes somebody; false where they were not there.
pub(crate) fn remove(tx: &mut Tx, store: VendorId, user: UserId) -> Result<bool, DbError> {
    Ok(tx.execute("DELETE FROM vendors.staff WHERE store_id = $1 AND user_id = $2", params![store.0, user.0])? == 1)
}
