//! The note that the demo marketplace has been loaded.

use kit::{Db, DbError, params};

/// Whether it is there already.
pub(super) async fn is_loaded(db: &Db) -> Result<bool, DbError> {
    db.read(|q| Ok(q.row("SELECT name FROM console.loaded WHERE name = 'demo'", &[])?.is_some())).await
}

/// Notes that it is there.
pub(super) async fn mark_loaded(db: &Db) -> Result<(), DbError> {
    db.write(|tx| {
        let now = tx.now();
        let sql = "INSERT INTO console.loaded (name, loaded_at) VALUES ('demo', $1) ON CONFLICT (name) DO NOTHING";
        tx.execute(sql, params![now]).map(drop)
    })
    .await
}
