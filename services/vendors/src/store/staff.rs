//! Who works in a store besides its owner.

use contracts::{Time, UserId, VendorId};
use kit::db::{DbError, Query, Row, Tx};
use kit::params;

use crate::domain::{Invitation, Member};

/// The staff of a store, longest there first.
pub(crate) fn list(q: &mut Query, store: VendorId) -> Result<Vec<Member>, DbError> {
    let sql = "SELECT user_id, added_at, accepted_at FROM vendors.staff WHERE store_id = $1 ORDER BY added_at, user_id";
    let member = |r: &Row| Ok(Member { user_id: UserId(r.get(0)?), added_at: r.get(1)?, accepted_at: r.get(2)? });
    q.rows(sql, params![store.0])?.iter().map(member).collect()
}

/// The stores that wait for a user's answer, oldest invitation first.
pub(crate) fn invitations(q: &mut Query, user: UserId) -> Result<Vec<Invitation>, DbError> {
    let sql = "SELECT s.id, s.slug, s.name, i.added_at FROM vendors.staff i JOIN vendors.stores s ON s.id = i.store_id \
               WHERE i.user_id = $1 AND i.accepted_at IS NULL ORDER BY i.added_at, s.id LIMIT 100";
    let invitation = |r: &Row| Ok(Invitation { vendor_id: VendorId(r.get(0)?), slug: r.get(1)?, name: r.get(2)?, invited_at: r.get(3)? });
    q.rows(sql, params![user.0])?.iter().map(invitation).collect()
}

/// Notes that somebody who was invited works there from now on; false where nobody invited them.
pub(crate) fn accept(tx: &mut Tx, store: VendorId, user: UserId) -> Result<bool, DbError> {
    let now = tx.now();
    let sql = "UPDATE vendors.staff SET accepted_at = COALESCE(accepted_at, $3) WHERE store_id = $1 AND user_id = $2";
    Ok(tx.execute(sql, params![store.0, user.0, now])? == 1)
}

/// Takes an invitation away that was not accepted; false where there is none.
pub(crate) fn decline(tx: &mut Tx, store: VendorId, user: UserId) -> Result<bool, DbError> {
    let sql = "DELETE FROM vendors.staff WHERE store_id = $1 AND user_id = $2 AND accepted_at IS NULL";
    Ok(tx.execute(sql, params![store.0, user.0])? == 1)
}

/// Invites somebody; false where they were invited before, or work there.
pub(crate) fn invite(tx: &mut Tx, store: VendorId, user: UserId) -> Result<bool, DbError> {
    let now = tx.now();
    let sql = "INSERT INTO vendors.staff (store_id, user_id, added_at) VALUES ($1, $2, $3) ON CONFLICT (store_id, user_id) DO NOTHING";
    Ok(tx.execute(sql, params![store.0, user.0, now])? == 1)
}

/// Counts that a store invites somebody. Answers with how often it has since `window_start`, and when the first time was.
pub(crate) fn count_invitation(tx: &mut Tx, store: VendorId, user: UserId, window_start: Time) -> Result<(i64, Time), DbError> {
    let now = tx.now();
    let over = "DELETE FROM vendors.invitations_sent WHERE store_id = $1 AND first_at <= $2";
    tx.execute(over, params![store.0, window_start])?;
    let row = tx.row(
        "INSERT INTO vendors.invitations_sent AS i (store_id, user_id, first_at, sent) VALUES ($1, $2, $3, 1) \
         ON CONFLICT (store_id, user_id) DO UPDATE SET sent = i.sent + 1 RETURNING sent, first_at",
        params![store.0, user.0, now],
    )?;
    row.map_or(Err(DbError::Internal("no invitation was counted".into())), |r| Ok((r.get(0)?, r.get(1)?)))
}

/// Removes somebody; false where they were not there.
pub(crate) fn remove(tx: &mut Tx, store: VendorId, user: UserId) -> Result<bool, DbError> {
    Ok(tx.execute("DELETE FROM vendors.staff WHERE store_id = $1 AND user_id = $2", params![store.0, user.0])? == 1)
}
