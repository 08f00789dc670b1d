use contracts::{OrderId, Time};
use kit::db::{DbError, Tx};
use kit::params;

/// How many counters a year has. One counter would be one row that every new order on PostgreSQL locks until its commit;
/// a database sequence would be another text per engine and numbers that a repeated transaction loses.
const LANES: i64 = 8;

/// A number such as `HT-2026-000123`: unique, roughly ascending, with gaps. Its row is held until the commit, so this is
/// called as late as the transaction allows.
pub(crate) fn next_number(tx: &mut Tx, order: OrderId, now: Time) -> Result<String, DbError> {
    let year = i64::from(now.to_offset().year());
    let lane = i64::from(order.0.as_bytes()[15]) % LANES;
    let row = tx.row(
        "INSERT INTO orders.numbers AS n (year, lane, last) VALUES ($1, $2, 1) ON CONFLICT (year, lane) DO UPDATE SET last = n.last + 1 RETURNING last",
        params![year, lane],
    )?;
    let last: i64 = row.ok_or_else(|| DbError::Internal("no order number".into()))?.get(0)?;
    Ok(format!("HT-{year}-{:06}", (last - 1) * LANES + lane + 1))
}
