//! Cash on delivery as lists show it: one row per payment and store.

use contracts::{Currency, Money, OrderId, PaymentId, RemittanceId, Time, VendorId};
use kit::db::{DbError, Query, Row, Tx, placeholders, value_rows};
use kit::http::PageRequest;
use kit::{Value, params};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::payments::currency;
use crate::domain::Payment;
use crate::domain::ledger::cash_in_transit;

/// What one store's part of a payment brings in cash, and where that cash is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CashRow {
    /// The row.
    #[serde(skip)]
    pub id: Uuid,
    /// The payment.
    pub payment_id: PaymentId,
    /// What it pays for.
    pub order_id: OrderId,
    /// The store.
    pub vendor_id: VendorId,
    /// promised, short, collected, remitted or released.
    pub status: String,
    /// What the part is to bring in all.
    pub due: Money,
    /// What was collected.
    pub collected: Money,
    /// What it still lacks.
    pub missing: Money,
    /// What was handed over.
    pub remitted: Money,
    /// What was collected and not handed over.
    pub in_transit: Money,
    /// When it was promised.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// Cash that was handed over at once.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RemittanceRow {
    /// The remittance.
    pub id: RemittanceId,
    /// The store that collected it, itself or by its carrier.
    pub vendor_id: VendorId,
    /// How much.
    pub amount: Money,
    /// Such as the number of a deposit slip.
    pub reference: String,
    /// When it was recorded.
    pub created_at: Time,
}

/// Writes what lists show of a payment's cash. Nothing where none of it is cash.
pub(super) fn project(tx: &mut Tx, id: PaymentId, payment: &Payment) -> Result<(), DbError> {
    let (Some(amount), false) = (payment.amount, payment.cash.is_empty()) else { return Ok(()) };
    let now = tx.now();
    let mut values: Vec<Value> = Vec::with_capacity(payment.cash.len() * 11);
    for part in &payment.cash {
        let row = Uuid::new_v5(&id.0, part.vendor_id.0.as_bytes());
        let (order, vendor, code) = (payment.order_id.0, part.vendor_id.0, amount.currency.code());
        let (collected, remitted, status) = (part.in_hand(), part.handed_over(), part.status().as_str());
        values.extend_from_slice(params![row, id.0, order, vendor, code, part.due, collected, remitted, status, now, now]);
    }
    let sql = format!(
        "INSERT INTO payments.cash (id, payment_id, order_id, vendor_id, currency, due, collected, remitted, status, created_at, updated_at) VALUES {} \
         ON CONFLICT (id) DO UPDATE SET due = excluded.due, collected = excluded.collected, remitted = excluded.remitted, status = excluded.status, updated_at = excluded.updated_at",
        value_rows(payment.cash.len(), 11)
    );
    tx.execute(&sql, &values).map(drop)
}

const CASH: &str = "id, payment_id, order_id, vendor_id, currency, due, collected, remitted, status, created_at, updated_at";

/// The cash of some payments, by payment and store.
pub(crate) fn cash_of(q: &mut Query, payments: &[PaymentId]) -> Result<Vec<CashRow>, DbError> {
    if payments.is_empty() {
        return Ok(Vec::new());
    }
    let marks = placeholders(1, payments.len());
    let sql = format!("SELECT {CASH} FROM payments.cash WHERE payment_id IN ({marks}) ORDER BY payment_id, vendor_id, id");
    let values: Vec<Value> = payments.iter().map(|p| p.0.into()).collect();
    q.rows(&sql, &values)?.iter().map(cash_row).collect()
}

/// Which cash is looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CashFilter {
    /// Of these stores; of all where none is named.
    pub stores: Option<Vec<VendorId>>,
    pub status: Option<String>,
}

/// Cash of stores, newest first; one more than the limit where there are more.
pub(crate) fn cash(q: &mut Query, filter: &CashFilter, page: &PageRequest) -> Result<Vec<CashRow>, DbError> {
    let mut values: Vec<Value> = vec![(page.limit + 1).into()];
    let mut conditions = vec!["TRUE".to_owned()];
    match &filter.stores {
        Some(stores) if stores.is_empty() => return Ok(Vec::new()),
        Some(stores) => {
            conditions.push(format!("vendor_id IN ({})", placeholders(values.len() + 1, stores.len())));
            values.extend(stores.iter().map(|s| Value::from(s.0)));
        }
        None => {}
    }
    if let Some(status) = &filter.status {
        values.push(status.into());
        conditions.push(format!("status = ${}", values.len()));
    }
    if let Some(last) = page.after {
        values.extend([last.time.into(), last.id.into()]);
        conditions.push(format!("(created_at, id) < (${}, ${})", values.len() - 1, values.len()));
    }
    let sql = format!("SELECT {CASH} FROM payments.cash WHERE {} ORDER BY created_at DESC, id DESC LIMIT $1", conditions.join(" AND "));
    q.rows(&sql, &values)?.iter().map(cash_row).collect()
}

/// Payments with cash of a store that was not handed over, oldest first: how much of each.
pub(crate) fn in_transit(q: &mut Query, store: VendorId, currency: Currency, limit: i64) -> Result<Vec<(PaymentId, i64)>, DbError> {
    let rows = q.rows(
        "SELECT payment_id, collected - remitted FROM payments.cash WHERE vendor_id = $1 AND currency = $2 AND collected > remitted ORDER BY created_at, id LIMIT $3",
        params![store.0, currency.code(), limit],
    )?;
    rows.iter().map(|r| Ok((PaymentId(r.get(0)?), r.get(1)?))).collect()
}

/// Writes a remittance.
pub(crate) fn insert_remittance(tx: &mut Tx, row: &RemittanceRow) -> Result<(), DbError> {
    let (amount, code) = (row.amount.amount, row.amount.currency.code());
    tx.execute(
        "INSERT INTO payments.remittances (id, vendor_id, amount, currency, reference, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        params![row.id.0, row.vendor_id.0, amount, code, &row.reference, row.created_at],
    )
    .map(drop)
}

/// The remittance with an id, where there is one.
pub(crate) fn remittance(q: &mut Query, id: RemittanceId) -> Result<Option<RemittanceRow>, DbError> {
    let sql = "SELECT id, vendor_id, amount, currency, reference, created_at FROM payments.remittances WHERE id = $1";
    q.row(sql, params![id.0])?.as_ref().map(remittance_row).transpose()
}

/// The payments of which cash was booked as handed over when a remittance was: all that it covers, and perhaps more.
pub(crate) fn remitted_with(q: &mut Query, row: &RemittanceRow) -> Result<Vec<PaymentId>, DbError> {
    let account = cash_in_transit(row.vendor_id);
    let rows = q.rows(
        "SELECT DISTINCT j.payment_id FROM payments.entries e JOIN payments.journals j ON j.id = e.journal_id \
         WHERE e.created_at = $1 AND e.account = $2 AND e.currency = $3 AND j.kind = 'cash_remitted' ORDER BY j.payment_id",
        params![row.created_at, &account, row.amount.currency.code()],
    )?;
    rows.iter().map(|r| Ok(PaymentId(r.get(0)?))).collect()
}

/// What was handed over, newest first; one more than the limit where there are more.
pub(crate) fn remittances(q: &mut Query, page: &PageRequest) -> Result<Vec<RemittanceRow>, DbError> {
    let mut values: Vec<Value> = vec![(page.limit + 1).into()];
    let mut after = "";
    if let Some(last) = page.after {
        after = "WHERE (created_at, id) < ($2, $3)";
        values.extend([last.time.into(), last.id.into()]);
    }
    let sql = format!(
        "SELECT id, vendor_id, amount, currency, reference, created_at FROM payments.remittances {after} ORDER BY created_at DESC, id DESC LIMIT $1"
    );
    q.rows(&sql, &values)?.iter().map(remittance_row).collect()
}

fn remittance_row(r: &Row) -> Result<RemittanceRow, DbError> {
    Ok(RemittanceRow {
        id: RemittanceId(r.get(0)?),
        vendor_id: VendorId(r.get(1)?),
        amount: Money::new(r.get(2)?, currency(&r.get::<String>(3)?)?),
        reference: r.get(4)?,
        created_at: r.get(5)?,
    })
}

fn cash_row(r: &Row) -> Result<CashRow, DbError> {
    let money = |amount| Ok::<_, DbError>(Money::new(amount, currency(&r.get::<String>(4)?)?));
    let (due, collected, remitted): (i64, i64, i64) = (r.get(5)?, r.get(6)?, r.get(7)?);
    Ok(CashRow {
        id: r.get(0)?,
        payment_id: PaymentId(r.get(1)?),
        order_id: OrderId(r.get(2)?),
        vendor_id: VendorId(r.get(3)?),
        status: r.get(8)?,
        due: money(due)?,
        collected: money(collected)?,
        missing: money(due - collected)?,
        remitted: money(remitted)?,
        in_transit: money(collected - remitted)?,
        created_at: r.get(9)?,
        updated_at: r.get(10)?,
    })
}
