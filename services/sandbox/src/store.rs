//! Every SQL statement of the sandbox.

use contracts::{Currency, Money, PaymentId, Time};
use kit::db::{DbError, Query, Row, Tx};
use kit::params;
use uuid::Uuid;

use crate::domain::{Answer, Session, Status};

const SESSION: &str = "payment_id, token, status, answer, amount, currency, reference, webhook_url, return_url";

/// Adds a session; false where the payment has one.
pub(crate) fn insert_session(tx: &mut Tx, session: &Session) -> Result<bool, DbError> {
    let now = tx.now();
    let inserted = tx.execute(
        "INSERT INTO sandbox.sessions (payment_id, token, status, amount, currency, reference, webhook_url, return_url, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT (payment_id) DO NOTHING",
        params![
            session.payment_id.0,
            session.token.as_ref(),
            session.status.as_str(),
            session.amount,
            &session.currency,
            &session.reference,
            &session.webhook_url,
            &session.return_url,
            now
        ],
    )?;
    Ok(inserted == 1)
}

/// The session of a payment.
pub(crate) fn session(q: &mut Query, payment: PaymentId) -> Result<Option<Session>, DbError> {
    let row = q.row(&format!("SELECT {SESSION} FROM sandbox.sessions WHERE payment_id = $1"), params![payment.0])?;
    row.map(|r| read(&r)).transpose()
}

/// The session of a page.
pub(crate) fn session_of_page(q: &mut Query, token: &str) -> Result<Option<Session>, DbError> {
    let row = q.row(&format!("SELECT {SESSION} FROM sandbox.sessions WHERE token = $1"), params![token])?;
    row.map(|r| read(&r)).transpose()
}

/// Takes the payer's answer, if the session is still open: the race between the payer and the merchant ends here.
pub(crate) fn take_answer(tx: &mut Tx, token: &str, answer: Answer) -> Result<Option<Session>, DbError> {
    let now = tx.now();
    let row = tx.row(
        &format!(
            "UPDATE sandbox.sessions SET status = $2, answer = $3, updated_at = $4 WHERE token = $1 AND status = 'open' RETURNING {SESSION}"
        ),
        params![token, answer.status().as_str(), answer.as_str(), now],
    )?;
    row.map(|r| read(&r)).transpose()
}

/// Closes a session if it is still open; one never seen is remembered as closed. Answers with what is there then.
pub(crate) fn cancel(tx: &mut Tx, payment: PaymentId) -> Result<Session, DbError> {
    let now = tx.now();
    let row = tx.row(
        &format!(
            "INSERT INTO sandbox.sessions AS s (payment_id, status, amount, currency, reference, webhook_url, return_url, created_at, updated_at)
             VALUES ($1, 'cancelled', 0, '', '', '', '', $2, $2)
             ON CONFLICT (payment_id) DO UPDATE SET status = CASE WHEN s.status = 'open' THEN 'cancelled' ELSE s.status END, updated_at = $2
             RETURNING {SESSION}"
        ),
        params![payment.0, now],
    )?;
    row.map_or_else(|| Err(DbError::Internal("an upsert returned no row".into())), |r| read(&r))
}

fn read(r: &Row) -> Result<Session, DbError> {
    let (status, answer): (String, Option<String>) = (r.get(2)?, r.get(3)?);
    Ok(Session {
        payment_id: PaymentId(r.get(0)?),
        token: r.get(1)?,
        status: Status::parse(&status).ok_or_else(|| DbError::Internal(format!("session status {status:?}")))?,
        answer: answer.as_deref().and_then(Answer::parse),
        amount: r.get(4)?,
        currency: r.get(5)?,
        reference: r.get(6)?,
        webhook_url: r.get(7)?,
        return_url: r.get(8)?,
    })
}

/// What the sandbox took.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Charge {
    pub id: Uuid,
    pub payment_id: PaymentId,
    pub amount: Money,
    pub refunded: i64,
    pub created_at: Time,
}

/// Writes a charge.
pub(crate) fn insert_charge(tx: &mut Tx, id: Uuid, payment: PaymentId, amount: Money) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO sandbox.charges (id, payment_id, amount, currency, refunded, created_at) VALUES ($1, $2, $3, $4, 0, $5)",
        params![id, payment.0, amount.amount, amount.currency.code(), now],
    )
    .map(drop)
}

const CHARGE: &str = "id, payment_id, amount, currency, refunded, created_at";

/// The charge of a payment.
pub(crate) fn charge(q: &mut Query, payment: PaymentId) -> Result<Option<Charge>, DbError> {
    let row = q.row(&format!("SELECT {CHARGE} FROM sandbox.charges WHERE payment_id = $1"), params![payment.0])?;
    row.map(|r| read_charge(&r)).transpose()
}

/// Every charge, newest first: the provider's own record, against which the merchant's is checked.
pub(crate) fn charges(q: &mut Query) -> Result<Vec<Charge>, DbError> {
    q.rows(&format!("SELECT {CHARGE} FROM sandbox.charges ORDER BY created_at DESC, id DESC"), &[])?.iter().map(read_charge).collect()
}

fn read_charge(r: &Row) -> Result<Charge, DbError> {
    let currency: Currency = r.get::<String>(3)?.parse().map_err(|e: contracts::MoneyError| DbError::Internal(e.to_string()))?;
    Ok(Charge {
        id: r.get(0)?,
        payment_id: PaymentId(r.get(1)?),
        amount: Money::new(r.get(2)?, currency),
        refunded: r.get(4)?,
        created_at: r.get(5)?,
    })
}

/// Takes `amount` off a charge; false where there is no charge, or less is left.
pub(crate) fn take_back(tx: &mut Tx, payment: PaymentId, amount: i64) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE sandbox.charges SET refunded = refunded + $2 WHERE payment_id = $1 AND amount - refunded >= $2",
        params![payment.0, amount],
    )?;
    Ok(changed == 1)
}

/// A refund as it was decided.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refund {
    pub id: Uuid,
    pub payment_id: PaymentId,
    pub amount: i64,
    /// Empty for one that succeeded.
    pub error: String,
}

/// Writes a refund; false where there is one with this id.
pub(crate) fn insert_refund(tx: &mut Tx, refund: &Refund) -> Result<bool, DbError> {
    let (now, status) = (tx.now(), if refund.error.is_empty() { "succeeded" } else { "failed" });
    let inserted = tx.execute(
        "INSERT INTO sandbox.refunds (id, payment_id, amount, status, error, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
        params![refund.id, refund.payment_id.0, refund.amount, status, &refund.error, now],
    )?;
    Ok(inserted == 1)
}

/// The refund with this id.
pub(crate) fn refund(q: &mut Query, id: Uuid) -> Result<Option<Refund>, DbError> {
    let row = q.row("SELECT id, payment_id, amount, error FROM sandbox.refunds WHERE id = $1", params![id])?;
    row.map(|r| Ok(Refund { id: r.get(0)?, payment_id: PaymentId(r.get(1)?), amount: r.get(2)?, error: r.get(3)? })).transpose()
}
