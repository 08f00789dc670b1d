//! Messages on their way to the outside, and each attempt.

use contracts::{NotificationId, Time};
use kit::db::{DbError, Query, Row, Tx, placeholders, portions, value_rows};
use kit::http::After;
use kit::{Value, params};
use uuid::Uuid;

use crate::domain::{Answer, Medium, Status};

/// A message as its channel takes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outgoing {
    pub id: NotificationId,
    pub recipient: Uuid,
    pub kind: String,
    /// Whether the recipient has turned such messages off since it was written.
    pub turned_off: bool,
    /// Where mails like it are turned off; known when it leaves.
    pub unsubscribe_url: Option<String>,
    /// What it happened to: the link, where there is one to issue.
    pub about: Uuid,
    pub address: String,
    pub title: String,
    pub body: String,
    pub html: Option<String>,
    pub progress: Progress,
}

/// How often a message was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Progress {
    /// In all.
    pub attempts: i64,
    /// Before an operator had it tried anew; 0 where none has.
    pub series_from: i64,
}

/// A delivery, as an operator sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delivery {
    pub id: NotificationId,
    pub kind: String,
    pub channel: String,
    pub address: String,
    pub status: Status,
    pub progress: Progress,
    pub next_at: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
    /// Oldest first.
    pub tries: Vec<Attempt>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    pub number: i64,
    pub outcome: String,
    pub answer: String,
    pub tried_at: Time,
}

const COLUMNS: &str =
    "d.message_id, m.kind, d.channel, d.address, d.status, d.attempts, d.series_from, d.next_at, d.created_at, d.updated_at";

/// A new mail: its message, on which way, and where to.
pub(crate) type NewMail<'a> = (NotificationId, Medium, &'a str);

/// Makes the deliveries of new messages, each due at its time.
pub(crate) fn insert_deliveries(tx: &mut Tx, mails: &[(NewMail, Time)]) -> Result<(), DbError> {
    insert(tx, mails.iter().map(|(mail, due)| (*mail, Some(*due))).collect(), Status::Pending, 0)
}

/// Makes the deliveries of new messages whose first attempt was taken.
pub(crate) fn insert_sent(tx: &mut Tx, mails: &[NewMail], answer: &Answer) -> Result<(), DbError> {
    insert(tx, mails.iter().map(|mail| (*mail, None)).collect(), Status::Sent, 1)?;
    let now = tx.now();
    for some in portions(mails) {
        let values: Vec<Value> =
            some.iter().flat_map(|(id, ..)| params![id.0, 1_i64, answer.outcome.as_str(), &answer.words, now].to_vec()).collect();
        let rows = value_rows(some.len(), 5);
        tx.execute(&format!("INSERT INTO notifications.attempts (message_id, number, outcome, answer, tried_at) VALUES {rows}"), &values)?;
    }
    Ok(())
}

fn insert(tx: &mut Tx, mails: Vec<(NewMail, Option<Time>)>, status: Status, attempts: i64) -> Result<(), DbError> {
    let now = tx.now();
    for some in portions(&mails) {
        let row = |((id, channel, address), next_at): &(NewMail, Option<Time>)| {
            params![id.0, channel.as_str(), *address, status.as_str(), attempts, 0_i64, *next_at, now, now].to_vec()
        };
        let values: Vec<Value> = some.iter().flat_map(row).collect();
        let columns = "message_id, channel, address, status, attempts, series_from, next_at, created_at, updated_at";
        tx.execute(&format!("INSERT INTO notifications.deliveries ({columns}) VALUES {}", value_rows(some.len(), 9)), &values)?;
    }
    Ok(())
}

/// A message that has still to leave; `None` where it has left or was given up.
pub(crate) fn outgoing(q: &mut Query, message: NotificationId) -> Result<Option<Outgoing>, DbError> {
    let row = q.row(
        "SELECT d.address, m.title, m.body, m.html, d.attempts, d.series_from, m.kind, m.about, m.recipient, o.kind \
         FROM notifications.deliveries d JOIN notifications.messages m ON m.id = d.message_id \
         LEFT JOIN notifications.opt_outs o ON o.recipient = m.recipient AND o.kind = m.kind AND o.channel = m.channel WHERE d.message_id = $1 AND d.status IN ('pending', 'failed')",
        params![message.0],
    )?;
    let read = |r: Row| {
        let progress = Progress { attempts: r.get(4)?, series_from: r.get(5)? };
        Ok(Outgoing {
            id: message,
            recipient: r.get(8)?,
            kind: r.get(6)?,
            turned_off: r.get::<Option<String>>(9)?.is_some(),
            unsubscribe_url: None,
            about: r.get(7)?,
            address: r.get(0)?,
            title: r.get(1)?,
            body: r.get(2)?,
            html: r.get(3)?,
            progress,
        })
    };
    row.map(read).transpose()
}

/// Has a message that has still to leave wait until `next_at`.
pub(crate) fn postpone(tx: &mut Tx, message: NotificationId, next_at: Time) -> Result<(), DbError> {
    let sql = "UPDATE notifications.deliveries SET next_at = $2 WHERE message_id = $1 AND status IN ('pending', 'failed')";
    tx.execute(sql, params![message.0, next_at]).map(drop)
}

/// Notes an attempt and where the delivery stands after it; false where somebody else noted one meanwhile.
pub(crate) fn note_attempt(
    tx: &mut Tx,
    message: NotificationId,
    number: i64,
    answer: &Answer,
    status: Status,
    next_at: Option<Time>,
) -> Result<bool, DbError> {
    let now = tx.now();
    let noted = tx.execute(
        "UPDATE notifications.deliveries SET status = $3, attempts = $2, next_at = $4, updated_at = $5 \
         WHERE message_id = $1 AND attempts = $2 - 1 AND status IN ('pending', 'failed')",
        params![message.0, number, status.as_str(), next_at, now],
    )?;
    if noted == 0 {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO notifications.attempts (message_id, number, outcome, answer, tried_at) VALUES ($1, $2, $3, $4, $5)",
        params![message.0, number, answer.outcome.as_str(), &answer.words, now],
    )?;
    Ok(true)
}

/// Begins a new series of attempts of a delivery that was given up; how many were before, or `None` where it was not.
pub(crate) fn revive(tx: &mut Tx, message: NotificationId) -> Result<Option<i64>, DbError> {
    let now = tx.now();
    let row = tx.row(
        "UPDATE notifications.deliveries SET status = $2, series_from = attempts, next_at = $3, updated_at = $3 \
         WHERE message_id = $1 AND status = $4 RETURNING series_from",
        params![message.0, Status::Pending.as_str(), now, Status::Dead.as_str()],
    )?;
    row.map(|r| r.get(0)).transpose()
}

/// One delivery.
pub(crate) fn delivery(q: &mut Query, message: NotificationId) -> Result<Option<Delivery>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM notifications.deliveries d JOIN notifications.messages m ON m.id = d.message_id WHERE d.message_id = $1"
    );
    let found = q.row(&sql, params![message.0])?.map(|r| read(&r)).transpose()?;
    Ok(with_tries(q, found.into_iter().collect())?.pop())
}

/// Deliveries, newest first; one more than `limit` where there are more.
pub(crate) fn deliveries(q: &mut Query, status: Option<Status>, after: Option<After>, limit: i64) -> Result<Vec<Delivery>, DbError> {
    let mut values: Vec<Value> = vec![(limit + 1).into()];
    let mut wanted = Vec::new();
    if let Some(status) = status {
        values.push(status.as_str().into());
        wanted.push(format!("d.status = ${}", values.len()));
    }
    if let Some(After { time, id }) = after {
        values.extend_from_slice(params![time, id]);
        wanted.push(format!("(d.created_at, d.message_id) < (${}, ${})", values.len() - 1, values.len()));
    }
    let wanted = if wanted.is_empty() { String::new() } else { format!(" WHERE {}", wanted.join(" AND ")) };
    let sql = format!(
        "SELECT {COLUMNS} FROM notifications.deliveries d JOIN notifications.messages m ON m.id = d.message_id{wanted} \
         ORDER BY d.created_at DESC, d.message_id DESC LIMIT $1"
    );
    let found = q.rows(&sql, &values)?.iter().map(read).collect::<Result<_, _>>()?;
    with_tries(q, found)
}

fn with_tries(q: &mut Query, mut deliveries: Vec<Delivery>) -> Result<Vec<Delivery>, DbError> {
    if deliveries.is_empty() {
        return Ok(deliveries);
    }
    let ids: Vec<Value> = deliveries.iter().map(|d| Value::from(d.id.0)).collect();
    let sql = format!(
        "SELECT message_id, number, outcome, answer, tried_at FROM notifications.attempts WHERE message_id IN ({}) ORDER BY message_id, number",
        placeholders(1, ids.len())
    );
    for row in q.rows(&sql, &ids)? {
        let of: Uuid = row.get(0)?;
        let attempt = Attempt { number: row.get(1)?, outcome: row.get(2)?, answer: row.get(3)?, tried_at: row.get(4)? };
        deliveries.iter_mut().filter(|d| d.id.0 == of).for_each(|d| d.tries.push(attempt.clone()));
    }
    Ok(deliveries)
}

fn read(row: &Row) -> Result<Delivery, DbError> {
    let status: String = row.get(4)?;
    Ok(Delivery {
        id: NotificationId(row.get(0)?),
        kind: row.get(1)?,
        channel: row.get(2)?,
        address: row.get(3)?,
        status: Status::parse(&status).ok_or_else(|| DbError::Internal(format!("status of a delivery: {status}")))?,
        progress: Progress { attempts: row.get(5)?, series_from: row.get(6)? },
        next_at: row.get(7)?,
        created_at: row.get(8)?,
        updated_at: row.get(9)?,
        tries: Vec::new(),
    })
}
