//! Address books. Every statement names the owner.

use contracts::UserId;
use kit::db::{DbError, Query, Row, Tx};
use kit::http::After;
use kit::params;
use uuid::Uuid;

use crate::domain::{Address, AddressForm};

/// The columns of [`address`].
macro_rules! address {
    () => {
        "id, user_id, label, name, phone, line1, line2, city, region, postal_code, country, is_default, version, created_at, updated_at"
    };
}

/// One address of a user.
pub fn find(q: &mut Query, user: UserId, id: Uuid) -> Result<Option<Address>, DbError> {
    let row = q.row(concat!("SELECT ", address!(), " FROM identity.addresses WHERE user_id = $1 AND id = $2"), params![user.0, id])?;
    row.as_ref().map(address).transpose()
}

/// A page of a user's addresses, newest first, with one row more than `limit` where there are more.
pub fn list(q: &mut Query, user: UserId, after: After, limit: i64) -> Result<Vec<Address>, DbError> {
    let rows = q.rows(
        concat!(
            "SELECT ",
            address!(),
            " FROM identity.addresses WHERE user_id = $1 AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4"
        ),
        params![user.0, after.time, after.id, limit + 1],
    )?;
    rows.iter().map(address).collect()
}

/// Makes room for one more address, if the user has fewer than `max`; answers how many there are with it. Nobody else
/// changes this user's book until the transaction ends.
pub fn reserve(tx: &mut Tx, user: UserId, max: i64) -> Result<Option<i64>, DbError> {
    let row = tx.row(
        "UPDATE identity.users SET address_count = address_count + 1 WHERE id = $1 AND address_count < $2 RETURNING address_count",
        params![user.0, max],
    )?;
    row.map(|r| r.get(0)).transpose()
}

/// Lets nobody else change this user's book until the transaction ends.
pub fn lock(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    let lock = format!("SELECT id FROM identity.users WHERE id = $1{}", tx.lock_clause());
    tx.row(&lock, params![user.0]).map(drop)
}

/// No address of the user is the default one any more.
pub fn clear_default(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    tx.execute("UPDATE identity.addresses SET is_default = $2 WHERE user_id = $1 AND is_default = $3", params![user.0, false, true])?;
    Ok(())
}

/// A new address.
pub fn insert(tx: &mut Tx, user: UserId, form: AddressForm, is_default: bool) -> Result<Address, DbError> {
    let (id, now) = (tx.id(), tx.now());
    tx.execute(
        concat!(
            "INSERT INTO identity.addresses (",
            address!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $13)"
        ),
        params![
            id,
            user.0,
            form.label.clone(),
            &form.name,
            &form.phone,
            &form.line1,
            form.line2.clone(),
            &form.city,
            form.region.clone(),
            form.postal_code.clone(),
            &form.country,
            is_default,
            now
        ],
    )?;
    Ok(Address { id, user, form, is_default, version: 1, created_at: now, updated_at: now })
}

/// Writes an address and counts the change.
pub fn update(tx: &mut Tx, before: &Address, form: AddressForm, is_default: bool) -> Result<Address, DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE identity.addresses SET label = $3, name = $4, phone = $5, line1 = $6, line2 = $7, city = $8, region = $9, \
         postal_code = $10, country = $11, is_default = $12, version = version + 1, updated_at = $13 WHERE user_id = $1 AND id = $2",
        params![
            before.user.0,
            before.id,
            form.label.clone(),
            &form.name,
            &form.phone,
            &form.line1,
            form.line2.clone(),
            &form.city,
            form.region.clone(),
            form.postal_code.clone(),
            &form.country,
            is_default,
            now
        ],
    )?;
    Ok(Address { form, is_default, version: before.version + 1, updated_at: now, ..before.clone() })
}

/// Takes an address out of the book.
pub fn delete(tx: &mut Tx, user: UserId, id: Uuid) -> Result<(), DbError> {
    let deleted = tx.execute("DELETE FROM identity.addresses WHERE user_id = $1 AND id = $2", params![user.0, id])?;
    tx.execute("UPDATE identity.users SET address_count = address_count - $2 WHERE id = $1", params![user.0, deleted as i64])?;
    Ok(())
}

fn address(row: &Row) -> Result<Address, DbError> {
    let is_default = row.get(11)?;
    Ok(Address {
        id: row.get(0)?,
        user: UserId(row.get(1)?),
        form: AddressForm {
            label: row.get(2)?,
            name: row.get(3)?,
            phone: row.get(4)?,
            line1: row.get(5)?,
            line2: row.get(6)?,
            city: row.get(7)?,
            region: row.get(8)?,
            postal_code: row.get(9)?,
            country: row.get(10)?,
            is_default: Some(is_default),
        },
        is_default,
        version: row.get(12)?,
        created_at: row.get(13)?,
        updated_at: row.get(14)?,
    })
}
