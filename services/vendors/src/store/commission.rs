//! Rules on what the marketplace keeps.

use contracts::{CategoryId, Currency, VendorId};
use kit::db::{DbError, Query, Row, Tx, placeholders};
use kit::{Value, params};
use uuid::Uuid;

use crate::domain::commission::Rule;

const RULE: &str = "vendor_id, category_id, currency, min_amount, max_amount, basis_points";

/// All rules, in the order in which they were given.
pub(crate) fn all(q: &mut Query) -> Result<Vec<Rule>, DbError> {
    q.rows(&format!("SELECT {RULE} FROM vendors.commission_rules ORDER BY place"), &[])?.iter().map(rule).collect()
}

/// The rules that may concern these stores.
pub(crate) fn concerning(q: &mut Query, vendors: &[VendorId]) -> Result<Vec<Rule>, DbError> {
    let values: Vec<Value> = vendors.iter().map(|v| v.0.into()).collect();
    let sql = format!(
        "SELECT {RULE} FROM vendors.commission_rules WHERE vendor_id IS NULL OR vendor_id IN ({}) ORDER BY place",
        placeholders(1, vendors.len())
    );
    q.rows(&sql, &values)?.iter().map(rule).collect()
}

/// Puts these in place of all rules.
pub(crate) fn replace(tx: &mut Tx, rules: &[Rule]) -> Result<(), DbError> {
    tx.execute("DELETE FROM vendors.commission_rules", &[])?;
    for (place, rule) in rules.iter().enumerate() {
        let id = tx.id();
        tx.execute(
            "INSERT INTO vendors.commission_rules (id, place, vendor_id, category_id, currency, min_amount, max_amount, basis_points) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            params![
                id,
                place as i64,
                rule.vendor_id.map(|v| v.0),
                rule.category_id.map(|c| c.0),
                rule.currency.map(|c| c.to_string()),
                rule.min_amount,
                rule.max_amount,
                rule.basis_points
            ],
        )?;
    }
    Ok(())
}

fn rule(row: &Row) -> Result<Rule, DbError> {
    let currency: Option<String> = row.get(2)?;
    let currency =
        currency.map(|c| c.parse::<Currency>().map_err(|e| DbError::Internal(format!("stored currency {c}: {e}")))).transpose()?;
    Ok(Rule {
        vendor_id: row.get::<Option<Uuid>>(0)?.map(VendorId),
        category_id: row.get::<Option<Uuid>>(1)?.map(CategoryId),
        currency,
        min_amount: row.get(3)?,
        max_amount: row.get(4)?,
        basis_points: row.get(5)?,
    })
}
