//! Stores.

use contracts::{UserId, VendorId};
use kit::db::{DbError, Query, Row, Tx, placeholders};
use kit::{Value, params};

use crate::domain::{Store, StoreChange};

const STORE: &str = "id, slug, name, status, owner_id, created_at, updated_at, description, support_email, support_phone, version";

/// Stores by id; unknown ones are absent.
pub(crate) fn by_ids(q: &mut Query, ids: &[VendorId]) -> Result<Vec<Store>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<Value> = ids.iter().map(|id| id.0.into()).collect();
    let sql = format!("SELECT {STORE} FROM vendors.stores WHERE id IN ({}) ORDER BY id", placeholders(1, ids.len()));
    q.rows(&sql, &values)?.iter().map(read).collect()
}

/// Stores by slug; unknown ones are absent.
pub(crate) fn by_slugs(q: &mut Query, slugs: &[String]) -> Result<Vec<Store>, DbError> {
    if slugs.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<Value> = slugs.iter().map(Value::from).collect();
    let sql = format!("SELECT {STORE} FROM vendors.stores WHERE slug IN ({}) ORDER BY slug", placeholders(1, slugs.len()));
    q.rows(&sql, &values)?.iter().map(read).collect()
}

/// The stores that a user owns, then those in which they work; each oldest first.
pub(crate) fn of_user(q: &mut Query, user: UserId) -> Result<Vec<Store>, DbError> {
    let sql = format!(
        "SELECT {STORE} FROM vendors.stores WHERE owner_id = $1 OR id IN \
         (SELECT s.store_id FROM vendors.staff s WHERE s.user_id = $1 AND s.accepted_at IS NOT NULL) \
         ORDER BY CASE WHEN owner_id = $1 THEN 0 ELSE 1 END, created_at, id LIMIT 100"
    );
    q.rows(&sql, params![user.0])?.iter().map(read).collect()
}

/// One store, which nobody else changes until this transaction ends.
pub(crate) fn lock(tx: &mut Tx, id: VendorId) -> Result<Option<Store>, DbError> {
    let sql = format!("SELECT {STORE} FROM vendors.stores WHERE id = $1{}", tx.lock_clause());
    tx.row(&sql, params![id.0])?.as_ref().map(read).transpose()
}

/// Writes what a store says of itself and counts the change.
pub(crate) fn save(tx: &mut Tx, before: &Store, change: StoreChange) -> Result<Store, DbError> {
    let now = tx.now();
    let after = Store { version: before.version + 1, updated_at: now, ..change.apply(before) };
    tx.execute(
        "UPDATE vendors.stores SET name = $2, description = $3, support_email = $4, support_phone = $5, version = $6, updated_at = $7 WHERE id = $1",
        params![
            after.id.0,
            &after.name,
            after.description.clone(),
            after.support_email.clone(),
            after.support_phone.clone(),
            after.version,
            now
        ],
    )?;
    Ok(after)
}

/// The store with this slug.
pub(crate) fn by_slug(q: &mut Query, slug: &str) -> Result<Option<Store>, DbError> {
    let row = q.row(&format!("SELECT {STORE} FROM vendors.stores WHERE slug = $1"), params![slug])?;
    row.as_ref().map(read).transpose()
}

/// Opens a store, where there is none with the slug.
pub(crate) fn insert(tx: &mut Tx, slug: &str, name: &str, owner: Option<UserId>) -> Result<(), DbError> {
    let (id, now) = (tx.id(), tx.now());
    tx.execute(
        "INSERT INTO vendors.stores (id, slug, name, status, owner_id, created_at, updated_at) VALUES ($1, $2, $3, 'active', $4, $5, $5) ON CONFLICT (slug) DO NOTHING",
        params![id, slug, name, owner.map(|o| o.0), now],
    )
    .map(drop)
}

fn read(row: &Row) -> Result<Store, DbError> {
    Ok(Store {
        id: VendorId(row.get(0)?),
        slug: row.get(1)?,
        name: row.get(2)?,
        status: row.get(3)?,
        owner_id: row.get::<Option<uuid::Uuid>>(4)?.map(UserId),
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
        description: row.get(7)?,
        support_email: row.get(8)?,
        support_phone: row.get(9)?,
        version: row.get(10)?,
    })
}
