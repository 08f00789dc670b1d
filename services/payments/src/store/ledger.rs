use contracts::{Currency, JournalId, OrderId, PaymentId, Time};
use kit::db::{DbError, Query, Tx, value_rows};
use kit::http::PageRequest;
use kit::params;
use uuid::Uuid;

use super::payments::currency;
use crate::domain::ledger::Journal;

/// Writes a journal with its entries: two statements, however many entries there are.
pub(crate) fn post(tx: &mut Tx, id: JournalId, order: OrderId, payment: PaymentId, journal: &Journal) -> Result<(), DbError> {
    let (now, code) = (tx.now(), journal.currency().to_string());
    tx.execute(
        "INSERT INTO payments.journals (id, kind, order_id, payment_id, currency, amount, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![id.0, journal.kind(), order.0, payment.0, &code, journal.amount(), now],
    )?;
    let mut values: Vec<kit::Value> = Vec::with_capacity(journal.entries().len() * 8);
    for entry in journal.entries() {
        let (account, debit, credit) = (&entry.account, entry.debit, entry.credit);
        let row: &[kit::Value] = params![tx.id(), id.0, order.0, account, debit, credit, &code, now];
        values.extend_from_slice(row);
    }
    let rows = value_rows(journal.entries().len(), 8);
    let sql =
        format!("INSERT INTO payments.entries (id, journal_id, order_id, account, debit, credit, currency, created_at) VALUES {rows}");
    tx.execute(&sql, &values).map(drop)
}

/// An account's sums in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountTotal {
    pub account: String,
    pub currency: Currency,
    pub debit: i64,
    pub credit: i64,
}

/// Every account's sums, by name and currency.
pub(crate) fn accounts(q: &mut Query) -> Result<Vec<AccountTotal>, DbError> {
    let rows = q.rows(
        "SELECT account, currency, CAST(SUM(debit) AS BIGINT), CAST(SUM(credit) AS BIGINT) FROM payments.entries GROUP BY account, currency ORDER BY account, currency",
        &[],
    )?;
    let row = |r: &kit::Row| {
        Ok(AccountTotal { account: r.get(0)?, currency: currency(&r.get::<String>(1)?)?, debit: r.get(2)?, credit: r.get(3)? })
    };
    rows.iter().map(row).collect()
}

/// Which entries are looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct EntryFilter {
    pub order_id: Option<OrderId>,
    pub account: Option<String>,
}

/// One side of a journal, as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EntryRow {
    pub id: Uuid,
    pub journal_id: JournalId,
    pub order_id: OrderId,
    pub account: String,
    pub debit: i64,
    pub credit: i64,
    pub currency: Currency,
    pub created_at: Time,
}

/// Entries, newest first; one more than the limit where there are more.
pub(crate) fn entries(q: &mut Query, filter: &EntryFilter, page: &PageRequest) -> Result<Vec<EntryRow>, DbError> {
    let mut params: Vec<kit::Value> = vec![(page.limit + 1).into()];
    let mut conditions = vec!["TRUE".to_owned()];
    if let Some(order) = filter.order_id {
        params.push(order.0.into());
        conditions.push(format!("order_id = ${}", params.len()));
    }
    if let Some(account) = &filter.account {
        params.push(account.into());
        conditions.push(format!("account = ${}", params.len()));
    }
    if let Some(last) = page.after {
        params.extend([last.time.into(), last.id.into()]);
        conditions.push(format!("(created_at, id) < (${}, ${})", params.len() - 1, params.len()));
    }
    let sql = format!(
        "SELECT id, journal_id, order_id, account, debit, credit, currency, created_at FROM payments.entries WHERE {} ORDER BY created_at DESC, id DESC LIMIT $1",
        conditions.join(" AND ")
    );
    let row = |r: &kit::Row| {
        Ok(EntryRow {
            id: r.get(0)?,
            journal_id: JournalId(r.get(1)?),
            order_id: OrderId(r.get(2)?),
            account: r.get(3)?,
            debit: r.get(4)?,
            credit: r.get(5)?,
            currency: currency(&r.get::<String>(6)?)?,
            created_at: r.get(7)?,
        })
    };
    q.rows(&sql, &params)?.iter().map(row).collect()
}
