use contracts::{Currency, Money, OrderId, PaymentId, RefundId, Time, UserId};
use kit::db::{DbError, Query, Row, Tx};
use kit::http::PageRequest;
use kit::params;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Payment, RefundStatus};

/// Whose payments are looked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Owner {
    /// Everybody's: support, administrators, other services.
    Anybody,
    /// A user's.
    User(UserId),
    /// A guest's, by the hash of the cart token.
    Guest(String),
}

impl Owner {
    /// A condition and its two parameters, `$n` and `$n+1`; both null means everybody.
    fn condition(&self, n: usize) -> String {
        match self {
            Owner::Anybody => "TRUE".into(),
            Owner::User(_) => format!("user_id = ${n}"),
            Owner::Guest(_) => format!("guest = ${n}"),
        }
    }

    fn param(&self) -> Option<kit::Value> {
        match self {
            Owner::Anybody => None,
            Owner::User(id) => Some(id.0.into()),
            Owner::Guest(hash) => Some(hash.into()),
        }
    }
}

/// A payment as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PaymentRow {
    pub id: PaymentId,
    pub order_id: OrderId,
    pub method: String,
    pub status: String,
    pub amount: Money,
    pub refunded: Money,
    pub action_url: Option<String>,
    pub created_at: Time,
    pub updated_at: Time,
}

const PAYMENT: &str = "id, order_id, method, status, amount, currency, refunded, action_url, created_at, updated_at";

/// Writes what lists show of a payment. One that was given up before it began shows nowhere.
pub(crate) fn project(tx: &mut Tx, id: PaymentId, payment: &Payment) -> Result<(), DbError> {
    let Some(amount) = payment.amount() else { return Ok(()) };
    let now = tx.now();
    tx.execute(
        "INSERT INTO payments.payments (id, order_id, user_id, guest, method, status, amount, currency, refunded, action_url, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, refunded = excluded.refunded, updated_at = excluded.updated_at",
        params![
            id.0,
            payment.order_id.0,
            payment.user_id.map(|u| u.0),
            payment.guest.as_ref(),
            &payment.method,
            payment.status().as_str(),
            amount.amount,
            amount.currency.code(),
            payment.refunded(),
            payment.action_url.as_ref(),
            now
        ],
    )?;
    super::cash::project(tx, id, payment)
}

/// A payment of `owner`.
pub(crate) fn payment(q: &mut Query, owner: &Owner, id: PaymentId) -> Result<Option<PaymentRow>, DbError> {
    let sql = format!("SELECT {PAYMENT} FROM payments.payments WHERE id = $1 AND {}", owner.condition(2));
    let params: Vec<kit::Value> = [Some(id.0.into()), owner.param()].into_iter().flatten().collect();
    q.row(&sql, &params)?.map(|r| payment_row(&r)).transpose()
}

/// The payments of an order that are `owner`'s, newest first; at most 100.
pub(crate) fn of_order(q: &mut Query, owner: &Owner, order: OrderId) -> Result<Vec<PaymentRow>, DbError> {
    let sql = format!(
        "SELECT {PAYMENT} FROM payments.payments WHERE order_id = $1 AND {} ORDER BY created_at DESC, id DESC LIMIT 100",
        owner.condition(2)
    );
    let params: Vec<kit::Value> = [Some(order.0.into()), owner.param()].into_iter().flatten().collect();
    q.rows(&sql, &params)?.iter().map(payment_row).collect()
}

/// A user's payments, newest first; one more than the limit where there are more.
pub(crate) fn history(q: &mut Query, user: UserId, page: &PageRequest) -> Result<Vec<PaymentRow>, DbError> {
    let mut params: Vec<kit::Value> = vec![user.0.into(), (page.limit + 1).into()];
    let mut after = "";
    if let Some(last) = page.after {
        after = "AND (created_at, id) < ($3, $4)";
        params.extend([last.time.into(), last.id.into()]);
    }
    let sql = format!("SELECT {PAYMENT} FROM payments.payments WHERE user_id = $1 {after} ORDER BY created_at DESC, id DESC LIMIT $2");
    q.rows(&sql, &params)?.iter().map(payment_row).collect()
}

fn payment_row(r: &Row) -> Result<PaymentRow, DbError> {
    let currency = currency(&r.get::<String>(5)?)?;
    Ok(PaymentRow {
        id: PaymentId(r.get(0)?),
        order_id: OrderId(r.get(1)?),
        method: r.get(2)?,
        status: r.get(3)?,
        amount: Money::new(r.get(4)?, currency),
        refunded: Money::new(r.get(6)?, currency),
        action_url: r.get(7)?,
        created_at: r.get(8)?,
        updated_at: r.get(9)?,
    })
}

/// A refund as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Refund)]
pub(crate) struct RefundRow {
    /// The refund.
    pub id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
    /// processing, completed or failed.
    pub status: String,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub created_at: Time,
}

/// Writes a refund that was asked for.
pub(crate) fn put_refund(tx: &mut Tx, id: RefundId, payment: PaymentId, amount: Money, reason: &str) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO payments.refunds (id, payment_id, amount, currency, status, reason, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        params![id.0, payment.0, amount.amount, amount.currency.code(), RefundStatus::Processing.as_str(), reason, now],
    )
    .map(drop)
}

/// Writes how a refund ended.
pub(crate) fn move_refund(tx: &mut Tx, id: RefundId, status: RefundStatus) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute("UPDATE payments.refunds SET status = $2, updated_at = $3 WHERE id = $1", params![id.0, status.as_str(), now]).map(drop)
}

/// A refund of a payment.
pub(crate) fn refund(q: &mut Query, payment: PaymentId, id: RefundId) -> Result<Option<RefundRow>, DbError> {
    let row = q.row(
        "SELECT id, payment_id, amount, currency, status, reason, created_at FROM payments.refunds WHERE payment_id = $1 AND id = $2",
        params![payment.0, id.0],
    )?;
    row.map(|r| {
        Ok(RefundRow {
            id: RefundId(r.get(0)?),
            payment_id: PaymentId(r.get(1)?),
            amount: Money::new(r.get(2)?, currency(&r.get::<String>(3)?)?),
            status: r.get(4)?,
            reason: r.get(5)?,
            created_at: r.get(6)?,
        })
    })
    .transpose()
}

pub(super) fn currency(code: &str) -> Result<Currency, DbError> {
    code.parse().map_err(|e: contracts::MoneyError| DbError::Internal(e.to_string()))
}
