use contracts::{JournalId, OrderId, Time};
use kit::db::{DbError, Query, Row, placeholders};
use kit::params;

use super::payments::currency;
use crate::domain::statement::{Balance, Movement};

/// Where accounts stood before a moment, by name and currency; those that were not used before are absent.
pub(crate) fn balances_before(q: &mut Query, accounts: &[String], before: Time) -> Result<Vec<Balance>, DbError> {
    let mut values: Vec<kit::Value> = params![before].to_vec();
    values.extend(accounts.iter().map(kit::Value::from));
    let sql = format!(
        "SELECT account, currency, CAST(SUM(credit - debit) AS bigint) FROM payments.entries \
         WHERE created_at < $1 AND account IN ({}) GROUP BY account, currency ORDER BY account, currency",
        placeholders(2, accounts.len())
    );
    let balance = |r: &Row| Ok(Balance { account: r.get(0)?, currency: currency(&r.get::<String>(1)?)?, amount: r.get(2)? });
    q.rows(&sql, &values)?.iter().map(balance).collect()
}

/// What moved on accounts from one moment to before another, oldest first; at most `limit`.
pub(crate) fn movements(q: &mut Query, accounts: &[String], from: Time, before: Time, limit: i64) -> Result<Vec<Movement>, DbError> {
    let mut values: Vec<kit::Value> = params![from, before, limit].to_vec();
    values.extend(accounts.iter().map(kit::Value::from));
    let sql = format!(
        "SELECT e.id, e.journal_id, j.kind, e.order_id, e.account, e.debit, e.credit, e.currency, e.created_at \
         FROM payments.entries e JOIN payments.journals j ON j.id = e.journal_id \
         WHERE e.created_at >= $1 AND e.created_at < $2 AND e.account IN ({}) ORDER BY e.created_at, e.id LIMIT $3",
        placeholders(4, accounts.len())
    );
    let movement = |r: &Row| {
        Ok(Movement {
            id: r.get(0)?,
            journal_id: JournalId(r.get(1)?),
            kind: r.get(2)?,
            order_id: OrderId(r.get(3)?),
            account: r.get(4)?,
            debit: r.get(5)?,
            credit: r.get(6)?,
            currency: currency(&r.get::<String>(7)?)?,
            created_at: r.get(8)?,
        })
    };
    q.rows(&sql, &values)?.iter().map(movement).collect()
}
