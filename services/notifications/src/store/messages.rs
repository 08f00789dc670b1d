//! Messages. A recipient is a user, or a guest's order: their ids never meet.

use contracts::{NotificationId, OrderId, Time};
use kit::db::{DbError, Query, Row, Tx};
use kit::http::After;
use kit::{Value, params};
use uuid::Uuid;

use crate::domain::{Draft, Medium};

/// A stored message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub id: NotificationId,
    pub kind: String,
    pub channel: String,
    /// Where its delivery stands; none within the application.
    pub status: Option<String>,
    pub order_id: Option<OrderId>,
    pub title: String,
    pub body: String,
    pub read_at: Option<Time>,
    pub created_at: Time,
}

/// A message with its place in its recipient's list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placed {
    pub place: i64,
    pub message: Message,
}

const COLUMNS: &str = "m.id, m.kind, m.channel, d.status, m.order_id, m.title, m.body, m.read_at, m.created_at";
const TABLES: &str = "notifications.messages m LEFT JOIN notifications.deliveries d ON d.message_id = m.id";

/// Stores a message; `None` where the recipient has one of this kind about the same thing on this channel, or has turned
/// such messages off.
pub(crate) fn insert(tx: &mut Tx, draft: &Draft) -> Result<Option<NotificationId>, DbError> {
    let place = if draft.channel == Medium::InApp { Some(next_place(tx, draft.recipient)?) } else { None };
    let (id, now) = (tx.id(), tx.now());
    let inserted = tx.execute(
        "INSERT INTO notifications.messages (id, recipient, kind, about, channel, order_id, place, title, body, html, created_at) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE NOT EXISTS \
         (SELECT 1 FROM notifications.opt_outs o WHERE o.recipient = $2 AND o.kind = $3 AND o.channel = $5) \
         ON CONFLICT (recipient, kind, about, channel) DO NOTHING",
        params![
            id,
            draft.recipient,
            draft.kind.as_str(),
            draft.about,
            draft.channel.as_str(),
            draft.order_id.map(|o| o.0),
            place,
            &draft.text.title,
            &draft.text.body,
            draft.text.html.as_deref(),
            now
        ],
    )?;
    Ok((inserted == 1).then_some(NotificationId(id)))
}

/// The next place in a recipient's list. The row is locked until the end of the transaction, so places become visible
/// in their order: who has seen one has seen all before it.
fn next_place(tx: &mut Tx, recipient: Uuid) -> Result<i64, DbError> {
    let row = tx.row(
        "INSERT INTO notifications.feeds AS f (recipient, last) VALUES ($1, 1) ON CONFLICT (recipient) DO UPDATE SET last = f.last + 1 RETURNING last",
        params![recipient],
    )?;
    row.map_or(Err(DbError::Internal("no place after taking one".into())), |r| r.get(0))
}

/// A recipient's messages, newest first; on one channel, or on all. One more than `limit` where there are more.
pub(crate) fn list(
    q: &mut Query,
    recipient: Uuid,
    channel: Option<Medium>,
    only_unread: bool,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Message>, DbError> {
    let mut values: Vec<Value> = params![recipient, limit + 1].to_vec();
    let mut sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE m.recipient = $1");
    if let Some(channel) = channel {
        values.push(channel.as_str().into());
        sql.push_str(&format!(" AND m.channel = ${}", values.len()));
    }
    if only_unread {
        sql.push_str(" AND m.read_at IS NULL");
    }
    if let Some(After { time, id }) = after {
        values.extend_from_slice(params![time, id]);
        sql.push_str(&format!(" AND (m.created_at, m.id) < (${}, ${})", values.len() - 1, values.len()));
    }
    sql.push_str(" ORDER BY m.created_at DESC, m.id DESC LIMIT $2");
    q.rows(&sql, &values)?.iter().map(message).collect()
}

/// The last place in a recipient's list; 0 where it is empty.
pub(crate) fn last_place(q: &mut Query, recipient: Uuid) -> Result<i64, DbError> {
    q.row("SELECT last FROM notifications.feeds WHERE recipient = $1", params![recipient])?.map_or(Ok(0), |r| r.get(0))
}

/// What comes behind a place in a recipient's list, oldest first.
pub(crate) fn placed_after(q: &mut Query, recipient: Uuid, place: i64, limit: i64) -> Result<Vec<Placed>, DbError> {
    let sql = format!("SELECT {COLUMNS}, m.place FROM {TABLES} WHERE m.recipient = $1 AND m.place > $2 ORDER BY m.place LIMIT $3");
    let read = |r: &Row| Ok(Placed { place: r.get(9)?, message: message(r)? });
    q.rows(&sql, params![recipient, place, limit])?.iter().map(read).collect()
}

/// One message of a recipient's list.
pub(crate) fn find(q: &mut Query, recipient: Uuid, id: NotificationId) -> Result<Option<Message>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE m.id = $1 AND m.recipient = $2 AND m.channel = 'in_app'");
    q.row(&sql, params![id.0, recipient])?.map(|r| message(&r)).transpose()
}

/// Marks one message as read; false where it was, or is not there.
pub(crate) fn mark_read(tx: &mut Tx, recipient: Uuid, id: NotificationId) -> Result<bool, DbError> {
    let now = tx.now();
    let sql = "UPDATE notifications.messages SET read_at = $3 WHERE id = $1 AND recipient = $2 AND channel = 'in_app' AND read_at IS NULL";
    Ok(tx.execute(sql, params![id.0, recipient, now])? == 1)
}

/// Marks up to `limit` unread messages of a list as read; returns which.
pub(crate) fn mark_all_read(tx: &mut Tx, recipient: Uuid, limit: i64) -> Result<Vec<NotificationId>, DbError> {
    const UNREAD: &str = "recipient = $1 AND channel = 'in_app' AND read_at IS NULL";
    let now = tx.now();
    let sql = format!(
        "UPDATE notifications.messages SET read_at = $2 WHERE id IN \
         (SELECT id FROM notifications.messages WHERE {UNREAD} ORDER BY created_at, id LIMIT $3) AND {UNREAD} RETURNING id"
    );
    let mut ids = tx.rows(&sql, params![recipient, now, limit])?.iter().map(|r| r.get(0)).collect::<Result<Vec<Uuid>, _>>()?;
    ids.sort();
    Ok(ids.into_iter().map(NotificationId).collect())
}

/// Forgets messages from before `before`, at most `limit`, with their mails; returns how many.
pub(crate) fn prune(tx: &mut Tx, before: Time, limit: i64) -> Result<u64, DbError> {
    const OLD: &str = "SELECT id FROM notifications.messages WHERE created_at < $1 ORDER BY created_at, id LIMIT $2";
    for table in ["mailbox", "attempts", "deliveries"] {
        tx.execute(&format!("DELETE FROM notifications.{table} WHERE message_id IN ({OLD})"), params![before, limit])?;
    }
    tx.execute(&format!("DELETE FROM notifications.messages WHERE id IN ({OLD})"), params![before, limit])
}

fn message(row: &Row) -> Result<Message, DbError> {
    Ok(Message {
        id: NotificationId(row.get(0)?),
        kind: row.get(1)?,
        channel: row.get(2)?,
        status: row.get(3)?,
        order_id: row.get::<Option<Uuid>>(4)?.map(OrderId),
        title: row.get(5)?,
        body: row.get(6)?,
        read_at: row.get(7)?,
        created_at: row.get(8)?,
    })
}
