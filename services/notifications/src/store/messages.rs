//! Messages. A recipient is a user, or a guest's order: their ids never meet.

use std::collections::BTreeMap;

use contracts::{NotificationId, OrderId, Time};
use kit::db::{DbError, Query, Row, Tx, portions, value_rows};
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

/// Stores messages; for each its id, or `None` where the recipient has one of this kind about the same thing on this
/// channel. Whether somebody wants it is not asked here.
pub(crate) fn insert_messages(tx: &mut Tx, drafts: &[&Draft]) -> Result<Vec<Option<NotificationId>>, DbError> {
    let mut ids = Vec::with_capacity(drafts.len());
    for some in portions(drafts) {
        let mut places = next_places(tx, some)?;
        let (mut drawn, mut values) = (Vec::new(), Vec::new());
        for draft in some {
            let place = places.get_mut(&draft.recipient).filter(|_| draft.channel == Medium::InApp).map(|last| {
                *last += 1;
                *last
            });
            let (id, now) = (tx.id(), tx.now());
            drawn.push(id);
            let (kind, channel, order) = (draft.kind.as_str(), draft.channel.as_str(), draft.order_id.map(|o| o.0));
            let text = &draft.text;
            values.extend_from_slice(params![id, draft.recipient, kind, draft.about, channel, order, place]);
            values.extend_from_slice(params![&text.title, &text.body, text.html.as_deref(), now]);
        }
        let columns = "id, recipient, kind, about, channel, order_id, place, title, body, html, created_at";
        let sql = format!(
            "INSERT INTO notifications.messages ({columns}) VALUES {} ON CONFLICT (recipient, kind, about, channel) DO NOTHING RETURNING id",
            value_rows(some.len(), 11)
        );
        let stored = tx.rows(&sql, &values)?.iter().map(|r| r.get(0)).collect::<Result<Vec<Uuid>, _>>()?;
        ids.extend(drawn.into_iter().map(|id| stored.contains(&id).then_some(NotificationId(id))));
    }
    Ok(ids)
}

/// Takes the next places in the lists of those who have one: for each recipient the one before them. The rows are
/// locked until the end of the transaction, so places become visible in their order: who has seen one has seen all
/// before it.
fn next_places(tx: &mut Tx, drafts: &[&Draft]) -> Result<BTreeMap<Uuid, i64>, DbError> {
    let mut wanted: BTreeMap<Uuid, i64> = BTreeMap::new();
    for draft in drafts.iter().filter(|d| d.channel == Medium::InApp) {
        *wanted.entry(draft.recipient).or_default() += 1;
    }
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let values: Vec<Value> = wanted.iter().flat_map(|(recipient, count)| params![*recipient, *count].to_vec()).collect();
    let sql = format!(
        "INSERT INTO notifications.feeds AS f (recipient, last) VALUES {} ON CONFLICT (recipient) DO UPDATE SET last = f.last + excluded.last RETURNING recipient, last",
        value_rows(wanted.len(), 2)
    );
    let mut before = BTreeMap::new();
    for row in tx.rows(&sql, &values)? {
        let (recipient, last): (Uuid, i64) = (row.get(0)?, row.get(1)?);
        before.insert(recipient, last - wanted.get(&recipient).copied().unwrap_or_default());
    }
    Ok(before)
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
