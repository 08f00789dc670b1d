//! Messages to many: who is to be told what, how far it is, and whom it could not tell.

use contracts::{Time, UserId};
use kit::db::{DbError, Query, Row, Tx};
use kit::http::After;
use kit::{Role, Value, params};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::domain::{Kind, Medium, Variables, Wanted};

/// Who is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Those on a list of its own.
    List,
    /// Everybody with an account, or with an account of this role.
    Everybody(Option<Role>),
}

/// A job that tells many.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bulk {
    pub id: Uuid,
    pub audience: Audience,
    pub wanted: Wanted,
    pub is_done: bool,
    /// How many there are; none until they were counted.
    pub total: Option<i64>,
    /// How many it has gone through.
    pub done: i64,
    /// The last of them, where it goes through everybody.
    pub last_user: Option<UserId>,
    pub queued: i64,
    pub skipped: i64,
    pub failed: i64,
    pub created_at: Time,
    pub updated_at: Time,
}

/// Somebody on a list, with variables of their own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BulkRecipient {
    pub user: UserId,
    pub variables: Variables,
}

/// Somebody who could not be told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BulkFailure {
    pub id: Uuid,
    /// The place in the list, from 1.
    pub number: i64,
    pub user: UserId,
    pub code: String,
    pub detail: String,
    pub created_at: Time,
}

/// How far a step goes.
pub(crate) struct Step {
    pub count: i64,
    pub last: Option<UserId>,
    pub total: Option<i64>,
    pub is_last: bool,
}

/// How many rows one statement writes.
const ROWS_AT_ONCE: usize = 200;

const EVERYBODY: &str = "everybody";

/// Stores a new job; its id.
pub(crate) fn insert_bulk(tx: &mut Tx, audience: &Audience, wanted: &Wanted, total: Option<i64>, by: UserId) -> Result<Uuid, DbError> {
    let (id, now) = (tx.id(), tx.now());
    let (audience, role) = match audience {
        Audience::List => ("list", None),
        Audience::Everybody(role) => (EVERYBODY, role.map(|r| r.as_str())),
    };
    let channels: Vec<&str> = wanted.channels.iter().map(|c| c.as_str()).collect();
    tx.execute(
        "INSERT INTO notifications.bulk_jobs (id, audience, role, kind, channels, variables, status, total, done, queued, skipped, failed, \
         started_by, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, 'running', $7, 0, 0, 0, 0, $8, $9, $9)",
        params![id, audience, role, wanted.kind.as_str(), channels.join(" "), Json::Object(wanted.variables.clone()), total, by.0, now],
    )?;
    Ok(id)
}

/// Stores whom a job is to tell, in this order.
pub(crate) fn insert_recipients(tx: &mut Tx, job: Uuid, list: &[BulkRecipient]) -> Result<(), DbError> {
    for (chunk, first) in list.chunks(ROWS_AT_ONCE).zip((1_i64..).step_by(ROWS_AT_ONCE)) {
        let mut values: Vec<Value> = vec![job.into()];
        let mut rows = Vec::new();
        for (recipient, number) in chunk.iter().zip(first..) {
            let n = values.len();
            values.extend_from_slice(params![number, recipient.user.0, Json::Object(recipient.variables.clone())]);
            rows.push(format!("($1, ${}, ${}, ${})", n + 1, n + 2, n + 3));
        }
        let sql = format!("INSERT INTO notifications.bulk_recipients (job_id, number, user_id, variables) VALUES {}", rows.join(", "));
        tx.execute(&sql, &values)?;
    }
    Ok(())
}

/// The next on the list behind the first `done`, with their places.
pub(crate) fn recipients(q: &mut Query, job: Uuid, done: i64, limit: i64) -> Result<Vec<(i64, BulkRecipient)>, DbError> {
    let sql =
        "SELECT number, user_id, variables FROM notifications.bulk_recipients WHERE job_id = $1 AND number > $2 ORDER BY number LIMIT $3";
    let read = |r: &Row| Ok((r.get(0)?, BulkRecipient { user: UserId(r.get(1)?), variables: variables(r.get(2)?)? }));
    q.rows(sql, params![job, done, limit])?.iter().map(read).collect()
}

/// One job.
pub(crate) fn bulk(q: &mut Query, id: Uuid) -> Result<Option<Bulk>, DbError> {
    let row = q.row(
        "SELECT id, audience, role, kind, channels, variables, status, total, done, last_user, queued, skipped, failed, created_at, updated_at \
         FROM notifications.bulk_jobs WHERE id = $1",
        params![id],
    )?;
    row.map(|r| read(&r)).transpose()
}

/// Moves a job on by a step from where it was; false where it is not there any more.
pub(crate) fn advance(tx: &mut Tx, id: Uuid, done: i64, step: &Step) -> Result<bool, DbError> {
    let now = tx.now();
    let status = if step.is_last { "completed" } else { "running" };
    let changed = tx.execute(
        "UPDATE notifications.bulk_jobs SET done = done + $3, last_user = COALESCE($4, last_user), total = COALESCE($5, total), status = $6, \
         updated_at = $7 WHERE id = $1 AND done = $2 AND status = 'running'",
        params![id, done, step.count, step.last.map(|u| u.0), step.total, status, now],
    )?;
    Ok(changed == 1)
}

/// Counts what became of a step.
pub(crate) fn count_bulk(tx: &mut Tx, id: Uuid, queued: i64, skipped: i64, failed: i64) -> Result<(), DbError> {
    let sql = "UPDATE notifications.bulk_jobs SET queued = queued + $2, skipped = skipped + $3, failed = failed + $4 WHERE id = $1";
    tx.execute(sql, params![id, queued, skipped, failed]).map(drop)
}

/// Notes whom a job could not tell, and why.
pub(crate) fn insert_bulk_failure(tx: &mut Tx, job: Uuid, number: i64, user: UserId, code: &str, detail: &str) -> Result<(), DbError> {
    let (id, now) = (tx.id(), tx.now());
    tx.execute(
        "INSERT INTO notifications.bulk_failures (id, job_id, number, user_id, code, detail, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![id, job, number, user.0, code, detail, now],
    )
    .map(drop)
}

/// Whom a job could not tell, newest first; one more than `limit` where there are more.
pub(crate) fn bulk_failures(q: &mut Query, job: Uuid, after: Option<After>, limit: i64) -> Result<Vec<BulkFailure>, DbError> {
    let mut values: Vec<Value> = params![job, limit + 1].to_vec();
    let mut sql = "SELECT id, number, user_id, code, detail, created_at FROM notifications.bulk_failures WHERE job_id = $1".to_owned();
    if let Some(After { time, id }) = after {
        values.extend_from_slice(params![time, id]);
        sql.push_str(" AND (created_at, id) < ($3, $4)");
    }
    sql.push_str(" ORDER BY created_at DESC, id DESC LIMIT $2");
    let read = |r: &Row| {
        Ok(BulkFailure {
            id: r.get(0)?,
            number: r.get(1)?,
            user: UserId(r.get(2)?),
            code: r.get(3)?,
            detail: r.get(4)?,
            created_at: r.get(5)?,
        })
    };
    q.rows(&sql, &values)?.iter().map(read).collect()
}

/// Forgets a job from before `before` that is done, with its list; returns how many.
pub(crate) fn prune_bulk(tx: &mut Tx, before: Time) -> Result<u64, DbError> {
    let sql = "SELECT id FROM notifications.bulk_jobs WHERE created_at < $1 AND status = 'completed' ORDER BY created_at, id LIMIT 1";
    let Some(id) = tx.row(sql, params![before])?.map(|r| r.get::<Uuid>(0)).transpose()? else { return Ok(0) };
    for table in ["bulk_recipients", "bulk_failures"] {
        tx.execute(&format!("DELETE FROM notifications.{table} WHERE job_id = $1"), params![id])?;
    }
    tx.execute("DELETE FROM notifications.bulk_jobs WHERE id = $1", params![id])
}

fn read(row: &Row) -> Result<Bulk, DbError> {
    let (audience, role, kind, channels): (String, Option<String>, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
    let unknown = || DbError::Internal(format!("kind of a job: {kind}"));
    let status: String = row.get(6)?;
    let channels = channels.split(' ').filter_map(Medium::parse).collect();
    Ok(Bulk {
        id: row.get(0)?,
        audience: if audience == EVERYBODY { Audience::Everybody(role.and_then(|r| Role::parse(&r))) } else { Audience::List },
        wanted: Wanted { kind: Kind::parse(&kind).ok_or_else(unknown)?, channels, variables: variables(row.get(5)?)? },
        is_done: status == "completed",
        total: row.get(7)?,
        done: row.get(8)?,
        last_user: row.get::<Option<Uuid>>(9)?.map(UserId),
        queued: row.get(10)?,
        skipped: row.get(11)?,
        failed: row.get(12)?,
        created_at: row.get(13)?,
        updated_at: row.get(14)?,
    })
}

fn variables(json: Json) -> Result<Variables, DbError> {
    match json {
        Json::Object(members) => Ok(members),
        other => Err(DbError::Internal(format!("variables of a job: {other}"))),
    }
}
