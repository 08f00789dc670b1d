//! What the simulator reads past the API.

use kit::{DbError, Query};

/// Sagas of a service that have not ended, in words.
pub(super) fn open_sagas(q: &mut Query) -> Result<Vec<String>, DbError> {
    let service = q.service();
    let sql = "SELECT type, status FROM own.sagas WHERE status NOT IN ('completed', 'compensated', 'stuck') ORDER BY id";
    let rows = q.rows(sql, &[])?;
    rows.iter().map(|r| Ok(format!("{service}: saga {} is {}", r.get::<String>(0)?, r.get::<String>(1)?))).collect()
}
