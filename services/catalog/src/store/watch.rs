use contracts::{ProductId, UserId, VariantId, VendorId};
use kit::db::{DbError, Query, Row, Tx, placeholders};
use kit::service::Figure;
use kit::{Value, params};

use crate::domain::{LOW_STOCK_AT, Status};

/// What operators watch: how much there is, and how many variants there is nothing of, or little.
pub(crate) const FIGURES: [Figure; 2] = [
    Figure {
        name: "haat_stock_units",
        labels: &["state"],
        sql: "SELECT CAST(COALESCE(SUM(on_hand), 0) AS bigint), 'on_hand' FROM catalog.stock \
              UNION ALL SELECT CAST(COALESCE(SUM(reserved), 0) AS bigint), 'reserved' FROM catalog.stock ORDER BY 2",
    },
    Figure {
        name: "haat_stock_variants",
        labels: &["state"],
        sql: "SELECT COUNT(*), 'out' FROM (SELECT variant_id FROM catalog.stock GROUP BY variant_id HAVING CAST(SUM(on_hand - reserved) AS bigint) <= 0) AS gone \
              UNION ALL SELECT COUNT(*), 'low' FROM catalog.low_stock ORDER BY 2",
    },
];

/// A variant with what decides whether somebody is told of its stock.
pub(crate) struct Watched {
    pub variant_id: VariantId,
    pub product_id: ProductId,
    pub vendor_id: VendorId,
    pub title: String,
    pub slug: String,
    pub low_stock_at: i64,
    /// Published, and not removed.
    pub buyable: bool,
    /// Over all warehouses.
    pub available: i64,
    /// Whether the store was told that few are left.
    pub is_low: bool,
    /// Whether somebody waits for it.
    pub awaited: bool,
}

/// The watched facts of variants.
pub(crate) fn watched(q: &mut Query, variants: &[VariantId]) -> Result<Vec<Watched>, DbError> {
    if variants.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT v.id, v.product_id, p.vendor_id, p.title, v.title, p.slug, COALESCE(v.low_stock_at, $1), v.removed, p.status, \
         CAST((SELECT COALESCE(SUM(s.on_hand - s.reserved), 0) FROM catalog.stock s WHERE s.variant_id = v.id) AS bigint), \
         CAST((SELECT COUNT(*) FROM catalog.low_stock l WHERE l.variant_id = v.id) AS bigint), \
         CAST(CASE WHEN EXISTS (SELECT 1 FROM catalog.stock_waits w WHERE w.variant_id = v.id) THEN 1 ELSE 0 END AS bigint), \
         CAST((SELECT COUNT(*) FROM catalog.variants o WHERE o.product_id = v.product_id) AS bigint) \
         FROM catalog.variants v JOIN catalog.products p ON p.id = v.product_id WHERE v.id IN ({}) ORDER BY v.id",
        placeholders(2, variants.len())
    );
    let values: Vec<Value> = [Value::from(LOW_STOCK_AT)].into_iter().chain(variants.iter().map(|v| v.0.into())).collect();
    q.rows(&sql, &values)?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Watched, DbError> {
    let (product, variant): (String, String) = (row.get(3)?, row.get(4)?);
    let several = row.get::<i64>(12)? > 1;
    Ok(Watched {
        variant_id: VariantId(row.get(0)?),
        product_id: ProductId(row.get(1)?),
        vendor_id: VendorId(row.get(2)?),
        title: if several { format!("{product} ({variant})") } else { product },
        slug: row.get(5)?,
        low_stock_at: row.get(6)?,
        buyable: !row.get::<bool>(7)? && row.get::<String>(8)? == Status::Published.as_str(),
        available: row.get(9)?,
        is_low: row.get::<i64>(10)? > 0,
        awaited: row.get::<i64>(11)? > 0,
    })
}

/// Notes that a store is told; false where it was told before.
pub(crate) fn note_low(tx: &mut Tx, variant: VariantId) -> Result<bool, DbError> {
    let now = tx.now();
    let sql = "INSERT INTO catalog.low_stock (variant_id, since) VALUES ($1, $2) ON CONFLICT (variant_id) DO NOTHING";
    Ok(tx.execute(sql, params![variant.0, now])? == 1)
}

/// Forgets that a store was told.
pub(crate) fn forget_low(tx: &mut Tx, variant: VariantId) -> Result<(), DbError> {
    tx.execute("DELETE FROM catalog.low_stock WHERE variant_id = $1", params![variant.0]).map(drop)
}

/// Notes that somebody waits for a variant; once per person.
pub(crate) fn wait_for(tx: &mut Tx, variant: VariantId, user: UserId) -> Result<(), DbError> {
    let now = tx.now();
    let sql = "INSERT INTO catalog.stock_waits (variant_id, user_id, created_at) VALUES ($1, $2, $3) ON CONFLICT (variant_id, user_id) DO NOTHING";
    tx.execute(sql, params![variant.0, user.0, now]).map(drop)
}

/// Takes up to `limit` of those who wait for a variant off the list; nobody is taken twice.
pub(crate) fn take_waiting(tx: &mut Tx, variant: VariantId, limit: i64) -> Result<Vec<UserId>, DbError> {
    let sql = "DELETE FROM catalog.stock_waits WHERE variant_id = $1 AND user_id IN \
               (SELECT w.user_id FROM catalog.stock_waits w WHERE w.variant_id = $1 ORDER BY w.user_id LIMIT $2) RETURNING user_id";
    let mut users = tx.rows(sql, params![variant.0, limit])?.iter().map(|r| Ok(UserId(r.get(0)?))).collect::<Result<Vec<_>, DbError>>()?;
    users.sort();
    Ok(users)
}
