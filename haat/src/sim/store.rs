//! What the simulator reads past the API, and what its witness writes down.

use contracts::Envelope;
use kit::{DbError, Query, Tx, params};

/// Work of a service that has not ended, in words: sagas, jobs that failed before, events that wait for a retry.
pub(super) fn open_work(q: &mut Query) -> Result<Vec<String>, DbError> {
    let service = q.service();
    let mut open = Vec::new();
    let sagas = "SELECT type, status FROM own.sagas WHERE status NOT IN ('completed', 'compensated', 'stuck') ORDER BY id";
    for row in q.rows(sagas, &[])? {
        open.push(format!("{service}: saga {} is {}", row.get::<String>(0)?, row.get::<String>(1)?));
    }
    let jobs = "SELECT kind, key, COALESCE(error, '') FROM own.jobs WHERE state IN ('queued', 'running') AND attempts > 0 ORDER BY id";
    for row in q.rows(jobs, &[])? {
        let (kind, key, error): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        open.push(format!("{service}: job {kind} {key} waits for its next try: {error}"));
    }
    for row in q.rows("SELECT source, COALESCE(error, '') FROM own.inbox WHERE state = 'parked' ORDER BY event_id", &[])? {
        open.push(format!("{service}: an event of {} waits for its next try: {}", row.get::<String>(0)?, row.get::<String>(1)?));
    }
    Ok(open)
}

/// Jobs of a service that were given up.
pub(super) fn dead_jobs(q: &mut Query) -> Result<Vec<String>, DbError> {
    let service = q.service();
    let jobs = "SELECT kind, key, state, COALESCE(error, '') FROM own.jobs WHERE state NOT IN ('queued', 'running') ORDER BY id";
    let row = |r: &kit::db::Row| {
        let (kind, key, state, error): (String, String, String, String) = (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?);
        Ok(format!("{service}: job {kind} {key} is {state}: {error}"))
    };
    q.rows(jobs, &[])?.iter().map(row).collect()
}

/// Every order, oldest first: its id, and whose it is.
pub(super) fn orders(q: &mut Query) -> Result<Vec<(uuid::Uuid, String)>, DbError> {
    let sql = "SELECT id, user_id, guest FROM orders.orders ORDER BY created_at, id";
    let row = |r: &kit::db::Row| {
        let (user, guest): (Option<uuid::Uuid>, Option<String>) = (r.get(1)?, r.get(2)?);
        Ok((r.get(0)?, user.map(|u| u.to_string()).or(guest).unwrap_or_default()))
    };
    q.rows(sql, &[])?.iter().map(row).collect()
}

/// Of each order, kind of journal and account: what was credited less what was debited.
pub(super) fn credits(q: &mut Query) -> Result<Vec<(uuid::Uuid, String, String, i64)>, DbError> {
    let sql = "SELECT j.order_id, j.kind, e.account, CAST(SUM(e.credit - e.debit) AS bigint) FROM payments.journals j \
        JOIN payments.entries e ON e.journal_id = j.id GROUP BY j.order_id, j.kind, e.account ORDER BY j.order_id, j.kind, e.account";
    q.rows(sql, &[])?.iter().map(|r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))).collect()
}

/// A message about an order.
#[derive(Debug)]
pub(super) struct Message {
    pub order: uuid::Uuid,
    pub kind: String,
    pub about: uuid::Uuid,
    pub channel: String,
    /// How often it has left, where it goes by mail.
    pub left: i64,
}

/// Every message about an order, oldest first.
pub(super) fn messages(q: &mut Query) -> Result<Vec<Message>, DbError> {
    let sql = "SELECT m.order_id, m.kind, m.about, m.channel, (SELECT COUNT(*) FROM notifications.mailbox b WHERE b.message_id = m.id) \
        FROM notifications.messages m WHERE m.order_id IS NOT NULL ORDER BY m.created_at, m.id";
    let row = |r: &kit::db::Row| Ok(Message { order: r.get(0)?, kind: r.get(1)?, about: r.get(2)?, channel: r.get(3)?, left: r.get(4)? });
    q.rows(sql, &[])?.iter().map(row).collect()
}

/// Refunds of cash that nobody has paid out yet: payment and refund.
pub(super) fn refunds_of_cash(q: &mut Query) -> Result<Vec<(uuid::Uuid, uuid::Uuid)>, DbError> {
    let sql = "SELECT r.payment_id, r.id FROM payments.refunds r JOIN payments.payments p ON p.id = r.payment_id \
        WHERE r.status = 'processing' AND p.method = 'cod' ORDER BY r.created_at, r.id";
    q.rows(sql, &[])?.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Journals that do not sum to zero or not to what they say, and payments that were captured more than once, in words.
pub(super) fn wrong_journals(q: &mut Query) -> Result<Vec<String>, DbError> {
    let mut wrong = Vec::new();
    let unbalanced = "SELECT j.id FROM payments.journals j LEFT JOIN payments.entries e ON e.journal_id = j.id AND e.currency = j.currency \
        GROUP BY j.id, j.amount HAVING COALESCE(SUM(e.debit), 0) <> j.amount OR COALESCE(SUM(e.credit), 0) <> j.amount ORDER BY j.id";
    for row in q.rows(unbalanced, &[])? {
        wrong.push(format!("journal {} is out of balance", row.get::<uuid::Uuid>(0)?));
    }
    let twice =
        "SELECT payment_id FROM payments.journals WHERE kind = 'capture' GROUP BY payment_id HAVING COUNT(*) > 1 ORDER BY payment_id";
    for row in q.rows(twice, &[])? {
        wrong.push(format!("payment {} is captured twice in the books", row.get::<uuid::Uuid>(0)?));
    }
    Ok(wrong)
}

/// The witness was given an event.
pub(super) fn note_handled(tx: &mut Tx, e: &Envelope) -> Result<(), DbError> {
    let sql = "INSERT INTO witness.handled (event_id, stream, sequence) VALUES ($1, $2, $3)";
    tx.execute(sql, params![e.id, e.stream, e.sequence]).map(drop)
}

/// What the witness was given, in order: each event with its stream and its place there.
pub(super) fn handled(q: &mut Query) -> Result<Vec<(uuid::Uuid, uuid::Uuid, i64)>, DbError> {
    let rows = q.rows("SELECT event_id, stream, sequence FROM witness.handled ORDER BY place", &[])?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).collect()
}
