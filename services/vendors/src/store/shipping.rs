//! What stores take for carrying goods.

use contracts::VendorId;
use kit::db::{DbError, Query, Row, Tx, placeholders};
use kit::{Value, params};
use serde_json::Value as Json;

use crate::domain::shipping::Method;
use crate::domain::{Store, Terms};

/// On what terms these stores sell; unknown ones are absent.
pub(crate) fn terms(q: &mut Query, ids: &[VendorId]) -> Result<Vec<Terms>, DbError> {
    let values: Vec<Value> = ids.iter().map(|id| id.0.into()).collect();
    let sql = format!(
        "SELECT id, commission_basis_points, shipping FROM vendors.stores WHERE id IN ({}) ORDER BY id",
        placeholders(1, ids.len())
    );
    q.rows(&sql, &values)?.iter().map(read).collect()
}

/// Writes a store's own methods, none for those of the marketplace, and counts the change.
pub(crate) fn save(tx: &mut Tx, before: &Store, methods: &[Method]) -> Result<i64, DbError> {
    let (now, version) = (tx.now(), before.version + 1);
    let json = if methods.is_empty() { None } else { Some(serde_json::to_value(methods).map_err(|e| DbError::Internal(e.to_string()))?) };
    let sql = "UPDATE vendors.stores SET shipping = $2, version = $3, updated_at = $4 WHERE id = $1";
    tx.execute(sql, params![before.id.0, json, version, now])?;
    Ok(version)
}

fn read(row: &Row) -> Result<Terms, DbError> {
    let shipping: Option<Json> = row.get(2)?;
    let shipping = shipping.map(serde_json::from_value).transpose().map_err(|e| DbError::Internal(format!("stored shipping: {e}")))?;
    Ok(Terms { vendor: VendorId(row.get(0)?), commission_basis_points: row.get(1)?, shipping })
}
