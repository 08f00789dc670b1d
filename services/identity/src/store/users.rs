//! Accounts and their roles.

use std::collections::BTreeSet;

use contracts::{Time, UserId};
use kit::db::{DbError, Query, Row, Tx, placeholders, portions};
use kit::http::After;
use kit::{Role, Value, params};

use super::known;
use crate::domain::{Email, Profile, Registration, Status, User, search_text};

/// The columns of [`user`].
macro_rules! user {
    () => {
        "u.id, u.email_shown, u.first_name, u.last_name, u.phone, u.locale, u.status, u.version, u.created_at, u.updated_at, \
         u.email_verified_at, \
         (SELECT string_agg(r.role, ' ' ORDER BY r.role) FROM identity.user_roles r WHERE r.user_id = u.id), \
         EXISTS (SELECT 1 FROM identity.photos p WHERE p.user_id = u.id), \
         (SELECT string_agg(c.name, ' ' ORDER BY c.name) FROM identity.user_custom_roles h JOIN identity.custom_roles c ON c.id = h.role_id \
         WHERE h.user_id = u.id)"
    };
}

/// What a sign-in is checked against.
pub struct Credentials {
    /// Whose.
    pub user: UserId,
    /// As hashed; absent where there is no password.
    pub password_hash: Option<String>,
    /// Whether the account may be used.
    pub status: Status,
}

/// What belongs to an e-mail address in its normal form.
pub fn credentials(q: &mut Query, email: &str) -> Result<Option<Credentials>, DbError> {
    let row = q.row("SELECT u.id, u.password_hash, u.status FROM identity.users u WHERE u.email = $1", params![email])?;
    row.map(|r| Ok(Credentials { user: UserId(r.get(0)?), password_hash: r.get(1)?, status: status(&r, 2)? })).transpose()
}

/// Those accounts that may be used and have proved to own one of these addresses, each with the address as it was given.
pub fn proved(q: &mut Query, emails: &[Email]) -> Result<Vec<(String, UserId)>, DbError> {
    let mut found = Vec::new();
    for portion in portions(emails) {
        let sql = format!(
            "SELECT u.email, u.id FROM identity.users u WHERE u.email IN ({}) AND u.email_verified_at IS NOT NULL AND u.status = 'active' ORDER BY u.id",
            placeholders(1, portion.len())
        );
        let values: Vec<Value> = portion.iter().map(|e| e.normal().into()).collect();
        for row in q.rows(&sql, &values)? {
            let (normal, id): (String, _) = (row.get(0)?, row.get(1)?);
            found.extend(portion.iter().filter(|e| e.normal() == normal).map(|e| (e.shown().to_owned(), UserId(id))));
        }
    }
    Ok(found)
}

/// One account.
pub fn find(q: &mut Query, id: UserId) -> Result<Option<User>, DbError> {
    let row = q.row(concat!("SELECT ", user!(), " FROM identity.users u WHERE u.id = $1"), params![id.0])?;
    row.as_ref().map(user).transpose()
}

/// One account, which nobody else changes until this transaction ends.
pub fn lock(tx: &mut Tx, id: UserId) -> Result<Option<User>, DbError> {
    // The roles are read by a second statement: one that waits for the lock would see the row as it is now, but its
    // roles as they were when it began to wait.
    let lock = format!("SELECT id FROM identity.users WHERE id = $1{}", tx.lock_clause());
    if tx.row(&lock, params![id.0])?.is_some() { find(tx, id) } else { Ok(None) }
}

/// A page of all accounts, newest first, with one row more than `limit` where there are more.
pub fn list(q: &mut Query, search: &str, after: After, limit: i64) -> Result<Vec<User>, DbError> {
    let rows = q.rows(
        concat!(
            "SELECT ",
            user!(),
            " FROM identity.users u WHERE u.search LIKE $1 ESCAPE '!' AND (u.created_at, u.id) < ($2, $3) ",
            "ORDER BY u.created_at DESC, u.id DESC LIMIT $4"
        ),
        params![pattern(search), after.time, after.id, limit + 1],
    )?;
    rows.iter().map(user).collect()
}

/// Accounts that may be used and were made before `created_before`, by id: those behind `after`, and on the
/// first page how many there are in all.
pub fn by_id(q: &mut Query, after: UserId, role: Option<Role>, created_before: Time, limit: i64) -> Result<(Vec<User>, i64), DbError> {
    const WANTED: &str = "u.status = 'active' AND u.created_at < $1 AND ($2 = '' OR EXISTS \
        (SELECT 1 FROM identity.user_roles w WHERE w.user_id = u.id AND w.role = $2))";
    let role = role.map_or("", Role::as_str);
    let count = format!("SELECT COUNT(*) FROM identity.users u WHERE {WANTED}");
    let is_first = after == UserId::default();
    let total = if is_first { q.row(&count, params![created_before, role])? } else { None };
    let total = total.map_or(Ok(0), |r| r.get(0))?;
    let sql = format!("SELECT {} FROM identity.users u WHERE {WANTED} AND u.id > $3 ORDER BY u.id LIMIT $4", user!());
    let users = q.rows(&sql, params![created_before, role, after.0, limit])?.iter().map(user).collect::<Result<_, _>>()?;
    Ok((users, total))
}

/// A new account with its roles, or `None` where the address has one already.
pub fn insert(tx: &mut Tx, registration: &Registration, password_hash: &str, roles: &BTreeSet<Role>) -> Result<Option<User>, DbError> {
    let (id, now) = (UserId(tx.id()), tx.now());
    let Registration { email, profile, .. } = registration;
    let inserted = tx.execute(
        "INSERT INTO identity.users (id, email, email_shown, password_hash, first_name, last_name, phone, locale, status, search, \
         address_count, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9, 0, 1, $10, $10) \
         ON CONFLICT (email) DO NOTHING",
        params![
            id.0,
            email.normal(),
            email.shown(),
            password_hash,
            &profile.first_name,
            &profile.last_name,
            profile.phone.clone(),
            &profile.locale,
            search_text(email.normal(), profile),
            now
        ],
    )?;
    if inserted == 0 {
        return Ok(None);
    }
    add_roles(tx, id, roles)?;
    Ok(Some(User {
        id,
        email: email.shown().to_owned(),
        email_verified: false,
        profile: profile.clone(),
        has_photo: false,
        roles: roles.clone(),
        custom_roles: BTreeSet::new(),
        status: Status::Active,
        version: 1,
        created_at: now,
        updated_at: now,
    }))
}

/// Notes a sign-in and locks the account, if it is still active and its password is still the one that was compared.
/// A better hash of the same password takes its place.
pub fn sign_in(tx: &mut Tx, id: UserId, compared_hash: &str, new_hash: Option<String>) -> Result<Option<User>, DbError> {
    let now = tx.now();
    let changed = tx.execute(
        "UPDATE identity.users SET signed_in_at = $3, password_hash = COALESCE($4, password_hash) \
         WHERE id = $1 AND password_hash = $2 AND status = 'active'",
        params![id.0, compared_hash, now, new_hash],
    )?;
    if changed == 0 { Ok(None) } else { find(tx, id) }
}

/// Writes a profile and counts the change.
pub fn save_profile(tx: &mut Tx, before: &User, profile: Profile) -> Result<User, DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE identity.users SET first_name = $2, last_name = $3, phone = $4, locale = $5, search = $6, version = version + 1, \
         updated_at = $7 WHERE id = $1",
        params![
            before.id.0,
            &profile.first_name,
            &profile.last_name,
            profile.phone.clone(),
            &profile.locale,
            search_text(&before.email, &profile),
            now
        ],
    )?;
    Ok(User { profile, version: before.version + 1, updated_at: now, ..before.clone() })
}

/// Counts a change of what is shown of an account and lies elsewhere.
pub fn count_change(tx: &mut Tx, before: &User) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute("UPDATE identity.users SET version = version + 1, updated_at = $2 WHERE id = $1", params![before.id.0, now]).map(drop)
}

/// Writes another password.
pub fn save_password(tx: &mut Tx, id: UserId, password_hash: &str) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute("UPDATE identity.users SET password_hash = $2, updated_at = $3 WHERE id = $1", params![id.0, password_hash, now]).map(drop)
}

/// Notes that the address is its owner's and counts the change; false where that was known.
pub fn verify_email(tx: &mut Tx, id: UserId) -> Result<bool, DbError> {
    let now = tx.now();
    let changed = tx.execute(
        "UPDATE identity.users SET email_verified_at = $2, version = version + 1, updated_at = $2 WHERE id = $1 AND email_verified_at IS NULL",
        params![id.0, now],
    )?;
    Ok(changed == 1)
}

/// Writes a status and counts the change.
pub fn save_status(tx: &mut Tx, before: &User, status: Status) -> Result<User, DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE identity.users SET status = $2, version = version + 1, updated_at = $3 WHERE id = $1",
        params![before.id.0, status.as_str(), now],
    )?;
    Ok(User { status, version: before.version + 1, updated_at: now, ..before.clone() })
}

/// Writes the roles of a locked account and counts the change. Those of the marketplace's own making are locked, too.
pub fn save_roles(tx: &mut Tx, before: &User, roles: BTreeSet<Role>, custom_roles: BTreeSet<String>) -> Result<User, DbError> {
    let now = tx.now();
    tx.execute("DELETE FROM identity.user_roles WHERE user_id = $1", params![before.id.0])?;
    add_roles(tx, before.id, &roles)?;
    if custom_roles != before.custom_roles {
        super::roles::give(tx, before.id, &custom_roles)?;
    }
    count_change(tx, before)?;
    Ok(User { roles, custom_roles, version: before.version + 1, updated_at: now, ..before.clone() })
}

fn add_roles(tx: &mut Tx, id: UserId, roles: &BTreeSet<Role>) -> Result<(), DbError> {
    for role in roles {
        tx.execute("INSERT INTO identity.user_roles (user_id, role) VALUES ($1, $2)", params![id.0, role.as_str()])?;
    }
    Ok(())
}

fn user(row: &Row) -> Result<User, DbError> {
    let names: Option<String> = row.get(11)?;
    let roles = names.iter().flat_map(|n| n.split(' ')).map(|n| known(Role::parse(n), "role", n)).collect::<Result<_, _>>()?;
    let custom: Option<String> = row.get(13)?;
    Ok(User {
        id: UserId(row.get(0)?),
        email: row.get(1)?,
        email_verified: row.get::<Option<Time>>(10)?.is_some(),
        profile: Profile { first_name: row.get(2)?, last_name: row.get(3)?, phone: row.get(4)?, locale: row.get(5)? },
        has_photo: row.get(12)?,
        roles,
        custom_roles: custom.iter().flat_map(|n| n.split(' ')).map(str::to_owned).collect(),
        status: status(row, 6)?,
        version: row.get(7)?,
        created_at: row.get(8)?,
        updated_at: row.get(9)?,
    })
}

fn status(row: &Row, column: usize) -> Result<Status, DbError> {
    let text: String = row.get(column)?;
    known(Status::parse(&text), "status", &text)
}

/// A LIKE pattern for text that contains `search`, in lower case.
fn pattern(search: &str) -> String {
    let mut pattern = String::from("%");
    for c in search.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern + "%"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_for_wildcards_finds_wildcards() {
        assert_eq!(pattern("A_b%!"), "%a!_b!%!!%");
    }
}
