use contracts::{Time, VendorId, WarehouseId};
use kit::db::{DbError, Query, Row, Tx, placeholders};
use kit::{Value, params};
use uuid::Uuid;

use crate::domain::{MAIN_CODE, Warehouse, WarehouseInput};

/// The warehouse that is there from the beginning.
pub(crate) const MAIN_WAREHOUSE: WarehouseId = WarehouseId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));

const WAREHOUSE: &str = "id, code, name, vendor_id, version, created_at, updated_at";

/// Makes the first warehouse where it is missing. It may have another code by now; where somebody else has its code from
/// before that was kept for it, its id serves.
pub(crate) fn ensure_main_warehouse(tx: &mut Tx) -> Result<(), DbError> {
    let now = tx.now();
    let sql = "INSERT INTO catalog.warehouses (id, code, name, version, created_at, updated_at) VALUES ($1, \
               CASE WHEN EXISTS (SELECT 1 FROM catalog.warehouses o WHERE o.code = $3) THEN $4 ELSE $3 END, 'Main warehouse', 1, $2, $2) \
               ON CONFLICT DO NOTHING";
    tx.execute(sql, params![MAIN_WAREHOUSE.0, now, MAIN_CODE, MAIN_WAREHOUSE.to_string()]).map(drop)
}

/// The marketplace's warehouses and those of some stores; all of them for `None`.
pub(crate) fn warehouses(q: &mut Query, stores: Option<&[VendorId]>) -> Result<Vec<Warehouse>, DbError> {
    let (narrow, values) = match stores {
        None => (String::new(), Vec::new()),
        Some([]) => (" WHERE vendor_id IS NULL".to_owned(), Vec::new()),
        Some(stores) => {
            let values: Vec<Value> = stores.iter().map(|s| s.0.into()).collect();
            (format!(" WHERE vendor_id IS NULL OR vendor_id IN ({})", placeholders(1, stores.len())), values)
        }
    };
    q.rows(&format!("SELECT {WAREHOUSE} FROM catalog.warehouses{narrow} ORDER BY code, id"), &values)?.iter().map(read).collect()
}

/// One warehouse, held until the end of the transaction.
pub(crate) fn warehouse(tx: &mut Tx, id: WarehouseId) -> Result<Option<Warehouse>, DbError> {
    let lock = tx.lock_clause();
    let row = tx.row(&format!("SELECT {WAREHOUSE} FROM catalog.warehouses WHERE id = $1{lock}"), params![id.0])?;
    row.as_ref().map(read).transpose()
}

/// The warehouse with a code.
pub(crate) fn warehouse_by_code(q: &mut Query, code: &str) -> Result<Option<Warehouse>, DbError> {
    let row = q.row(&format!("SELECT {WAREHOUSE} FROM catalog.warehouses WHERE code = $1"), params![code])?;
    row.as_ref().map(read).transpose()
}

/// Adds a warehouse; `None` where the code is taken.
pub(crate) fn insert_warehouse(tx: &mut Tx, new: &WarehouseInput) -> Result<Option<Warehouse>, DbError> {
    let (id, now) = (tx.id(), tx.now());
    let sql = format!(
        "INSERT INTO catalog.warehouses (id, code, name, vendor_id, version, created_at, updated_at) VALUES ($1, $2, $3, $4, 1, $5, $5) \
         ON CONFLICT (code) DO NOTHING RETURNING {WAREHOUSE}"
    );
    let row = tx.row(&sql, params![id, &new.code, &new.name, new.vendor_id.map(|v| v.0), now])?;
    row.as_ref().map(read).transpose()
}

/// Gives a warehouse, held by this transaction, a code and a name; `None` where another has the code.
pub(crate) fn rename_warehouse(tx: &mut Tx, id: WarehouseId, new: &WarehouseInput) -> Result<Option<Warehouse>, DbError> {
    let now = tx.now();
    let sql = format!(
        "UPDATE catalog.warehouses SET code = $2, name = $3, version = version + 1, updated_at = $4 WHERE id = $1 \
         AND NOT EXISTS (SELECT 1 FROM catalog.warehouses o WHERE o.code = $2 AND o.id <> $1) RETURNING {WAREHOUSE}"
    );
    let row = tx.row(&sql, params![id.0, &new.code, &new.name, now])?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Warehouse, DbError> {
    Ok(Warehouse {
        id: WarehouseId(row.get(0)?),
        code: row.get(1)?,
        name: row.get(2)?,
        vendor_id: row.get::<Option<Uuid>>(3)?.map(VendorId),
        version: row.get(4)?,
        created_at: row.get::<Option<Time>>(5)?.unwrap_or_default(),
        updated_at: row.get::<Option<Time>>(6)?.unwrap_or_default(),
    })
}
