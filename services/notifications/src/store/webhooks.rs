//! Endpoints. Whose they are is an argument of every statement but those of the jobs.

use contracts::{Time, UserId, WebhookId};
use kit::db::{DbError, Query, Row, Tx, placeholders};
use kit::http::After;
use kit::{Value, params};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::domain::webhook::{DisabledReason, Filter, Owner};

/// How many endpoints an owner may have.
pub(crate) const PER_OWNER_MAX: i64 = 20;

/// An endpoint, without its secrets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Webhook {
    pub id: WebhookId,
    pub owner: Owner,
    pub wanted: Wanted,
    /// Why it is told nothing, where it is not enabled.
    pub disabled_reason: Option<DisabledReason>,
    /// Since when it has done nothing but fail.
    pub failing_since: Option<Time>,
    /// Until when the secret before the present one signs too.
    pub old_secret_until: Option<Time>,
    pub created_by: UserId,
    pub created_at: Time,
    pub updated_at: Time,
}

/// What its owner says of an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub url: String,
    pub description: String,
    pub filter: Filter,
    pub enabled: bool,
}

const COLUMNS: &str = "id, owner, url, description, event_types, enabled, disabled_reason, failing_since, old_secret_until, created_by, \
     created_at, updated_at";

/// Stores a new endpoint; false where its owner has as many as there may be.
pub(crate) fn insert_webhook(
    tx: &mut Tx,
    id: WebhookId,
    owner: Owner,
    wanted: &Wanted,
    sealed: Vec<u8>,
    by: UserId,
) -> Result<bool, DbError> {
    let taken = tx.rows("SELECT slot FROM notifications.webhooks WHERE owner = $1 ORDER BY slot", params![owner.to_id()])?;
    let taken: Vec<i64> = taken.iter().map(|r| r.get(0)).collect::<Result<_, _>>()?;
    let Some(slot) = (1..=PER_OWNER_MAX).find(|slot| !taken.contains(slot)) else { return Ok(false) };
    let now = tx.now();
    let inserted = tx.execute(
        "INSERT INTO notifications.webhooks (id, owner, slot, url, description, event_types, enabled, disabled_reason, secret, created_by, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) ON CONFLICT (owner, slot) DO NOTHING",
        params![
            id.0,
            owner.to_id(),
            slot,
            &wanted.url,
            &wanted.description,
            json!(wanted.filter.entries()),
            wanted.enabled,
            reason(wanted),
            sealed,
            by.0,
            now
        ],
    )?;
    if inserted == 1 { Ok(true) } else { Err(tx.lost_race()) }
}

/// Stores what its owner says of an endpoint; one that is enabled begins with a clean record.
pub(crate) fn update_webhook(tx: &mut Tx, id: WebhookId, wanted: &Wanted) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE notifications.webhooks SET url = $2, description = $3, event_types = $4, disabled_reason = CASE WHEN $5 THEN NULL ELSE COALESCE(disabled_reason, $6) END, \
         failing_since = CASE WHEN enabled THEN failing_since ELSE NULL END, enabled = $5, silences = 0, rests_until = NULL, updated_at = $7 WHERE id = $1",
        params![id.0, &wanted.url, &wanted.description, json!(wanted.filter.entries()), wanted.enabled, reason(wanted), now],
    )
    .map(drop)
}

fn reason(wanted: &Wanted) -> Option<&'static str> {
    (!wanted.enabled).then(|| DisabledReason::Owner.as_str())
}

/// Forgets an endpoint; what was on its way to it goes nowhere.
pub(crate) fn delete_webhook(tx: &mut Tx, id: WebhookId, owners: &[Owner]) -> Result<bool, DbError> {
    let sql = format!("DELETE FROM notifications.webhooks WHERE id = $1 AND owner IN ({})", placeholders(2, owners.len()));
    Ok(tx.execute(&sql, &with_owners(params![id.0], owners))? == 1)
}

/// One endpoint of these owners.
pub(crate) fn webhook(q: &mut Query, id: WebhookId, owners: &[Owner]) -> Result<Option<Webhook>, DbError> {
    find(q, id, owners, "")
}

/// As [`webhook`], and it stays as it is until the end of the transaction.
pub(crate) fn webhook_to_change(tx: &mut Tx, id: WebhookId, owners: &[Owner]) -> Result<Option<Webhook>, DbError> {
    let lock = tx.lock_clause();
    find(tx, id, owners, lock)
}

fn find(q: &mut Query, id: WebhookId, owners: &[Owner], lock: &str) -> Result<Option<Webhook>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM notifications.webhooks WHERE id = $1 AND owner IN ({}){lock}", placeholders(2, owners.len()));
    q.row(&sql, &with_owners(params![id.0], owners))?.map(|r| read(&r)).transpose()
}

/// The endpoints of these owners, newest first; one more than `limit` where there are more.
pub(crate) fn webhooks(q: &mut Query, owners: &[Owner], after: Option<After>, limit: i64) -> Result<Vec<Webhook>, DbError> {
    let mut values = with_owners(params![limit + 1], owners);
    let mut sql = format!("SELECT {COLUMNS} FROM notifications.webhooks WHERE owner IN ({})", placeholders(2, owners.len()));
    if let Some(After { time, id }) = after {
        sql.push_str(&format!(" AND (created_at, id) < (${}, ${})", values.len() + 1, values.len() + 2));
        values.extend_from_slice(params![time, id]);
    }
    sql.push_str(" ORDER BY created_at DESC, id DESC LIMIT $1");
    q.rows(&sql, &values)?.iter().map(read).collect()
}

/// Whether anybody is told of anything.
pub(crate) fn anybody_listens(q: &mut Query) -> Result<bool, DbError> {
    Ok(q.row("SELECT id FROM notifications.webhooks WHERE enabled LIMIT 1", &[])?.is_some())
}

/// Whether any store is.
pub(crate) fn a_store_listens(q: &mut Query) -> Result<bool, DbError> {
    let sql = "SELECT id FROM notifications.webhooks WHERE enabled AND owner <> $1 LIMIT 1";
    Ok(q.row(sql, params![Owner::Marketplace.to_id()])?.is_some())
}

/// An endpoint that is told of things.
pub(crate) struct Listener {
    pub webhook: WebhookId,
    pub owner: Owner,
    pub filter: Filter,
    /// Until when it is left alone.
    pub rests_until: Option<Time>,
}

/// The enabled endpoints of these owners.
pub(crate) fn listening(q: &mut Query, owners: &[Owner]) -> Result<Vec<Listener>, DbError> {
    let sql = format!(
        "SELECT id, owner, event_types, rests_until FROM notifications.webhooks WHERE enabled AND owner IN ({}) ORDER BY id",
        placeholders(1, owners.len())
    );
    let read = |r: &Row| {
        Ok(Listener { webhook: WebhookId(r.get(0)?), owner: Owner::from_id(r.get(1)?), filter: filter(r, 2)?, rests_until: r.get(3)? })
    };
    q.rows(&sql, &with_owners(&[], owners))?.iter().map(read).collect()
}

/// The sealed secret of the endpoint that was registered first, of whomever.
pub(crate) fn oldest_secret(q: &mut Query) -> Result<Option<(WebhookId, Vec<u8>)>, DbError> {
    let row = q.row("SELECT id, secret FROM notifications.webhooks ORDER BY created_at, id LIMIT 1", &[])?;
    row.map(|r| Ok((WebhookId(r.get(0)?), r.get(1)?))).transpose()
}

/// Puts a new secret in the place of the present one, which signs too until `until`.
pub(crate) fn rotate_secret(tx: &mut Tx, id: WebhookId, sealed: Vec<u8>, until: Time) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE notifications.webhooks SET old_secret = secret, old_secret_until = $3, secret = $2, updated_at = $4 WHERE id = $1",
        params![id.0, sealed, until, now],
    )
    .map(drop)
}

/// Notes that an endpoint works.
pub(crate) fn note_success(tx: &mut Tx, id: WebhookId) -> Result<(), DbError> {
    tx.execute("UPDATE notifications.webhooks SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL", params![id.0])
        .map(drop)
}

/// Notes that an endpoint failed; since when it has done nothing else.
pub(crate) fn note_failure(tx: &mut Tx, id: WebhookId) -> Result<Option<Time>, DbError> {
    let now = tx.now();
    tx.execute("UPDATE notifications.webhooks SET failing_since = $2 WHERE id = $1 AND failing_since IS NULL", params![id.0, now])?;
    let row = tx.row("SELECT failing_since FROM notifications.webhooks WHERE id = $1", params![id.0])?;
    row.map_or(Ok(None), |r| r.get(0))
}

/// Tells an endpoint nothing any more. Who made it and where it is; `None` where it was disabled before.
pub(crate) fn disable(tx: &mut Tx, id: WebhookId, reason: DisabledReason) -> Result<Option<(UserId, String)>, DbError> {
    let now = tx.now();
    let row = tx.row(
        "UPDATE notifications.webhooks SET enabled = $2, disabled_reason = $3, updated_at = $4 WHERE id = $1 AND enabled RETURNING created_by, url",
        params![id.0, false, reason.as_str(), now],
    )?;
    row.map(|r| Ok((UserId(r.get(0)?), r.get(1)?))).transpose()
}

fn with_owners(first: &[Value], owners: &[Owner]) -> Vec<Value> {
    first.iter().cloned().chain(owners.iter().map(|o| Value::from(o.to_id()))).collect()
}

fn filter(row: &Row, column: usize) -> Result<Filter, DbError> {
    let entries: Json = row.get(column)?;
    let entries = entries.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned);
    Ok(Filter::stored(entries.collect()))
}

fn read(row: &Row) -> Result<Webhook, DbError> {
    let wanted = Wanted { url: row.get(2)?, description: row.get(3)?, filter: filter(row, 4)?, enabled: row.get(5)? };
    Ok(Webhook {
        id: WebhookId(row.get(0)?),
        owner: Owner::from_id(row.get::<Uuid>(1)?),
        wanted,
        disabled_reason: row.get::<Option<String>>(6)?.and_then(|r| DisabledReason::parse(&r)),
        failing_since: row.get(7)?,
        old_secret_until: row.get(8)?,
        created_by: UserId(row.get(9)?),
        created_at: row.get(10)?,
        updated_at: row.get(11)?,
    })
}
