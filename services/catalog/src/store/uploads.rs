//! Files of products on their way in.

use contracts::files::{FileProduct, RowError};
use contracts::{Time, VendorId};
use kit::db::{DbError, Query, Row, Tx, value_rows};
use kit::http::After;
use kit::{Value, params};
use serde_json::Value as Json;
use uuid::Uuid;

use super::listing::json;
use crate::domain::{Format, Upload, UploadJob};

/// Rows of one statement: both engines limit the parameters.
const ROWS_AT_ONCE: usize = 200;

/// A file on its way in.
pub(crate) struct StoredUpload {
    pub job: UploadJob,
    pub vendor_name: String,
    pub format: Format,
}

/// A product that is still to be brought in.
pub(crate) struct Waiting {
    pub number: i64,
    pub line: u64,
    pub variant_lines: Vec<u64>,
    pub body: String,
}

/// What became of some products.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub failed: i64,
}

/// A mistake in a file, under an id of its own.
pub(crate) struct Mistake {
    pub id: Uuid,
    pub error: RowError,
}

/// Stores a file with all that is in it; its id.
pub(crate) fn insert_upload(
    tx: &mut Tx,
    (vendor, name): (VendorId, &str),
    format: Format,
    upload: &Upload,
    dry_run: bool,
) -> Result<Uuid, DbError> {
    let (id, now) = (tx.id(), tx.now());
    let (total, failed) = ((upload.products.len() + upload.failed) as i64, upload.failed as i64);
    let status = if upload.products.is_empty() { "completed" } else { "running" };
    tx.execute(
        "INSERT INTO catalog.uploads (id, vendor_id, vendor_name, format, dry_run, status, total, done, created, updated, unchanged, failed, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $9, $5, $6, $7, 0, 0, 0, $7, $8, $8)",
        params![id, vendor.0, name, format.as_str(), status, total, failed, now, dry_run],
    )?;
    for (chunk, first) in upload.products.chunks(ROWS_AT_ONCE).zip((1_i64..).step_by(ROWS_AT_ONCE)) {
        insert_products(tx, id, chunk, first)?;
    }
    insert_mistakes(tx, id, &upload.mistakes)?;
    Ok(id)
}

fn insert_products(tx: &mut Tx, upload: Uuid, products: &[FileProduct], first: i64) -> Result<(), DbError> {
    let mut values: Vec<Value> = Vec::with_capacity(products.len() * 5);
    for (p, number) in products.iter().zip(first..) {
        values.extend_from_slice(params![upload, number, p.line as i64, Json::from(p.variant_lines.clone()), p.body.to_string()]);
    }
    let rows = value_rows(products.len(), 5);
    tx.execute(&format!("INSERT INTO catalog.upload_products (upload_id, number, line, variant_lines, body) VALUES {rows}"), &values)
        .map(drop)
}

/// Notes what could not be taken.
pub(crate) fn insert_mistakes(tx: &mut Tx, upload: Uuid, mistakes: &[RowError]) -> Result<(), DbError> {
    for chunk in mistakes.chunks(ROWS_AT_ONCE) {
        let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 5);
        for m in chunk {
            values.extend_from_slice(params![tx.id(), upload, m.line as i64, &m.column, &m.reason]);
        }
        let rows = value_rows(chunk.len(), 5);
        tx.execute(&format!("INSERT INTO catalog.upload_errors (id, upload_id, line, place, reason) VALUES {rows}"), &values)?;
    }
    Ok(())
}

/// One file.
pub(crate) fn upload(q: &mut Query, id: Uuid) -> Result<Option<StoredUpload>, DbError> {
    let row = q.row(
        "SELECT id, vendor_id, status, total, done, created, updated, unchanged, failed, created_at, updated_at, vendor_name, format, dry_run \
         FROM catalog.uploads WHERE id = $1",
        params![id],
    )?;
    row.map(|r| read(&r)).transpose()
}

/// The next products of a file; what was gone through is no longer there.
pub(crate) fn waiting(q: &mut Query, upload: Uuid, limit: i64) -> Result<Vec<Waiting>, DbError> {
    let sql = "SELECT number, line, variant_lines, body FROM catalog.upload_products WHERE upload_id = $1 ORDER BY number LIMIT $2";
    let read = |r: &Row| {
        Ok(Waiting { number: r.get(0)?, line: r.get::<i64>(1)?.unsigned_abs(), variant_lines: json(r.get(2)?)?, body: r.get(3)? })
    };
    q.rows(sql, params![upload, limit])?.iter().map(read).collect()
}

/// Moves a file on from where it was, by the products up to `last`; false where somebody else did.
pub(crate) fn advance_upload(tx: &mut Tx, job: &UploadJob, count: i64, last: i64) -> Result<bool, DbError> {
    let now = tx.now();
    let changed = tx.execute(
        "UPDATE catalog.uploads SET done = done + $3, updated_at = $4, status = CASE WHEN done + $3 >= total THEN 'completed' ELSE status END \
         WHERE id = $1 AND done = $2 AND status = 'running'",
        params![job.id, job.done, count, now],
    )?;
    if changed == 0 {
        return Ok(false);
    }
    tx.execute("DELETE FROM catalog.upload_products WHERE upload_id = $1 AND number <= $2", params![job.id, last])?;
    Ok(true)
}

/// Counts what became of some products.
pub(crate) fn count_upload(tx: &mut Tx, id: Uuid, out: Outcome) -> Result<(), DbError> {
    let sql = "UPDATE catalog.uploads SET created = created + $2, updated = updated + $3, unchanged = unchanged + $4, failed = failed + $5 WHERE id = $1";
    tx.execute(sql, params![id, out.created, out.updated, out.unchanged, out.failed]).map(drop)
}

/// What is wrong with a file, by line; one more than `limit` where there are more.
pub(crate) fn mistakes(q: &mut Query, upload: Uuid, after: Option<After>, limit: i64) -> Result<Vec<Mistake>, DbError> {
    let mut values: Vec<Value> = params![upload, limit + 1].to_vec();
    let mut sql = "SELECT id, line, place, reason FROM catalog.upload_errors WHERE upload_id = $1".to_owned();
    if let Some(After { time, id }) = after {
        // A cursor holds one number: here a line.
        values.extend_from_slice(params![time.0, id]);
        sql.push_str(" AND (line, id) > ($3, $4)");
    }
    sql.push_str(" ORDER BY line, id LIMIT $2");
    let read = |r: &Row| {
        let (line, column, reason): (i64, String, String) = (r.get(1)?, r.get(2)?, r.get(3)?);
        Ok(Mistake { id: r.get(0)?, error: RowError { line: line.unsigned_abs(), column, reason } })
    };
    q.rows(&sql, &values)?.iter().map(read).collect()
}

/// Forgets a file from before `before` that is done; returns how many.
pub(crate) fn prune_upload(tx: &mut Tx, before: Time) -> Result<u64, DbError> {
    let sql = "SELECT id FROM catalog.uploads WHERE created_at < $1 AND status = 'completed' ORDER BY created_at, id LIMIT 1";
    let Some(id) = tx.row(sql, params![before])?.map(|r| r.get::<Uuid>(0)).transpose()? else { return Ok(0) };
    tx.execute("DELETE FROM catalog.upload_errors WHERE upload_id = $1", params![id])?;
    tx.execute("DELETE FROM catalog.uploads WHERE id = $1", params![id])
}

fn read(row: &Row) -> Result<StoredUpload, DbError> {
    let format: String = row.get(12)?;
    let job = UploadJob {
        id: row.get(0)?,
        vendor_id: VendorId(row.get(1)?),
        dry_run: row.get(13)?,
        status: row.get(2)?,
        total: row.get(3)?,
        done: row.get(4)?,
        created: row.get(5)?,
        updated: row.get(6)?,
        unchanged: row.get(7)?,
        failed: row.get(8)?,
        created_at: row.get(9)?,
        updated_at: row.get(10)?,
    };
    let format = Format::parse(&format).ok_or_else(|| DbError::Internal(format!("format of a file: {format}")))?;
    Ok(StoredUpload { job, vendor_name: row.get(11)?, format })
}
