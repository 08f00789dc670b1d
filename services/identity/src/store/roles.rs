//! Roles of the marketplace's own making, and who has them.

use std::collections::BTreeSet;

use contracts::{RoleId, UserId};
use kit::db::{DbError, Query, Row, Tx, placeholders};
use kit::{Value, params};
use serde_json::json;

use crate::domain::{CustomRole, RoleForm};

/// The columns of [`role`].
macro_rules! role {
    () => {
        "r.id, r.name, r.description, r.permissions, r.version, r.created_at, r.updated_at"
    };
}

/// All of them, by name.
pub fn list(q: &mut Query) -> Result<Vec<CustomRole>, DbError> {
    q.rows(concat!("SELECT ", role!(), " FROM identity.custom_roles r ORDER BY r.name"), &[])?.iter().map(role).collect()
}

/// How many there are.
pub fn count(q: &mut Query) -> Result<i64, DbError> {
    q.row("SELECT COUNT(*) FROM identity.custom_roles", &[])?.map_or(Ok(0), |r| r.get(0))
}

/// The one of this name.
pub fn find(q: &mut Query, name: &str) -> Result<Option<CustomRole>, DbError> {
    let row = q.row(concat!("SELECT ", role!(), " FROM identity.custom_roles r WHERE r.name = $1"), params![name])?;
    row.as_ref().map(role).transpose()
}

/// The one of this name, which nobody changes, deletes or gives until this transaction ends.
pub fn lock(tx: &mut Tx, name: &str) -> Result<Option<CustomRole>, DbError> {
    if lock_all(tx, &[name])?.is_empty() { Ok(None) } else { find(tx, name) }
}

/// Which of these names are there; nobody changes or deletes those roles until this transaction ends.
pub fn lock_all(tx: &mut Tx, names: &[&str]) -> Result<BTreeSet<String>, DbError> {
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sql = format!(
        "SELECT r.name FROM identity.custom_roles r WHERE r.name IN ({}) ORDER BY r.name{}",
        placeholders(1, names.len()),
        tx.lock_clause()
    );
    let values: Vec<Value> = names.iter().map(|name| Value::from(*name)).collect();
    tx.rows(&sql, &values)?.iter().map(|row| row.get(0)).collect()
}

/// A new role; `None` where the name is taken.
pub fn insert(tx: &mut Tx, name: &str, form: &RoleForm) -> Result<Option<CustomRole>, DbError> {
    let (id, now) = (RoleId(tx.id()), tx.now());
    let inserted = tx.execute(
        "INSERT INTO identity.custom_roles (id, name, description, permissions, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, 1, $5, $5) ON CONFLICT (name) DO NOTHING",
        params![id.0, name, &form.description, json!(form.permissions), now],
    )?;
    let made = CustomRole { id, name: name.to_owned(), form: form.clone(), version: 1, created_at: now, updated_at: now };
    Ok((inserted == 1).then_some(made))
}

/// Writes a locked role and counts the change.
pub fn save(tx: &mut Tx, before: &CustomRole, form: RoleForm) -> Result<CustomRole, DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE identity.custom_roles SET description = $2, permissions = $3, version = version + 1, updated_at = $4 WHERE id = $1",
        params![before.id.0, &form.description, json!(form.permissions), now],
    )?;
    Ok(CustomRole { form, version: before.version + 1, updated_at: now, ..before.clone() })
}

/// Whether somebody has the role.
pub fn is_held(q: &mut Query, id: RoleId) -> Result<bool, DbError> {
    Ok(q.row("SELECT h.user_id FROM identity.user_custom_roles h WHERE h.role_id = $1 LIMIT 1", params![id.0])?.is_some())
}

/// Takes a locked role away.
pub fn delete(tx: &mut Tx, id: RoleId) -> Result<(), DbError> {
    tx.execute("DELETE FROM identity.custom_roles WHERE id = $1", params![id.0]).map(drop)
}

/// Gives a user exactly these roles.
pub fn give(tx: &mut Tx, user: UserId, names: &BTreeSet<String>) -> Result<(), DbError> {
    tx.execute("DELETE FROM identity.user_custom_roles WHERE user_id = $1", params![user.0])?;
    for name in names {
        tx.execute(
            "INSERT INTO identity.user_custom_roles (user_id, role_id) SELECT $1, r.id FROM identity.custom_roles r WHERE r.name = $2",
            params![user.0, name],
        )?;
    }
    Ok(())
}

/// The routes that a user's roles open.
pub fn permissions_of(q: &mut Query, user: UserId) -> Result<BTreeSet<String>, DbError> {
    let rows = q.rows(
        "SELECT r.permissions FROM identity.custom_roles r JOIN identity.user_custom_roles h ON h.role_id = r.id \
         WHERE h.user_id = $1 ORDER BY r.name",
        params![user.0],
    )?;
    let all = rows.iter().map(|row| permissions(row, 0)).collect::<Result<Vec<_>, _>>()?;
    Ok(all.into_iter().flatten().collect())
}

fn role(row: &Row) -> Result<CustomRole, DbError> {
    Ok(CustomRole {
        id: RoleId(row.get(0)?),
        name: row.get(1)?,
        form: RoleForm { description: row.get(2)?, permissions: permissions(row, 3)? },
        version: row.get(4)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
    })
}

fn permissions(row: &Row, column: usize) -> Result<BTreeSet<String>, DbError> {
    row.json(column).ok_or_else(|| DbError::Internal("stored permissions are no list of routes".into()))
}
