//! The development mailbox: what has left, or would have.

use contracts::{NotificationId, Time};
use kit::db::{DbError, Query, Row, Tx, portions, value_rows};
use kit::http::After;
use kit::{Value, params};

use super::NewMail;

/// A message in the mailbox.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mail {
    pub id: NotificationId,
    pub channel: String,
    pub address: String,
    pub title: String,
    pub body: String,
    pub html: Option<String>,
    pub created_at: Time,
}

/// Puts a message that has left into the mailbox too, with its own words where they are not the stored ones; a repeat
/// changes nothing.
pub(crate) fn post(tx: &mut Tx, message: NotificationId, body: Option<&str>, html: Option<&str>) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO notifications.mailbox (message_id, address, created_at, body, html) \
         SELECT message_id, address, $2, $3, $4 FROM notifications.deliveries WHERE message_id = $1 ON CONFLICT (message_id) DO NOTHING",
        params![message.0, now, body, html],
    )
    .map(drop)
}

/// Puts new messages that have left into the mailbox too.
pub(crate) fn post_all(tx: &mut Tx, mails: &[NewMail]) -> Result<(), DbError> {
    let now = tx.now();
    for some in portions(mails) {
        let values: Vec<Value> = some.iter().flat_map(|(id, _, address)| params![id.0, *address, now].to_vec()).collect();
        let rows = value_rows(some.len(), 3);
        tx.execute(&format!("INSERT INTO notifications.mailbox (message_id, address, created_at) VALUES {rows}"), &values)?;
    }
    Ok(())
}

/// What is in the mailbox, newest first; one more than `limit` where there are more.
pub(crate) fn mails(q: &mut Query, after: Option<After>, limit: i64) -> Result<Vec<Mail>, DbError> {
    let mut values: Vec<Value> = vec![(limit + 1).into()];
    let mut sql = "SELECT m.id, m.channel, b.address, m.title, COALESCE(b.body, m.body), COALESCE(b.html, m.html), b.created_at \
         FROM notifications.mailbox b JOIN notifications.messages m ON m.id = b.message_id"
        .to_owned();
    if let Some(After { time, id }) = after {
        values.extend_from_slice(params![time, id]);
        sql.push_str(" WHERE (b.created_at, b.message_id) < ($2, $3)");
    }
    sql.push_str(" ORDER BY b.created_at DESC, b.message_id DESC LIMIT $1");
    q.rows(&sql, &values)?.iter().map(mail).collect()
}

fn mail(row: &Row) -> Result<Mail, DbError> {
    Ok(Mail {
        id: NotificationId(row.get(0)?),
        channel: row.get(1)?,
        address: row.get(2)?,
        title: row.get(3)?,
        body: row.get(4)?,
        html: row.get(5)?,
        created_at: row.get(6)?,
    })
}
