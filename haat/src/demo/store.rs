//! What the console notes of the demo: that it is loaded, and until then how far.

use contracts::Time;
use kit::db::value_rows;
use kit::{Db, DbError, Value, params};

use super::history::Placed;

/// How far the demo is.
pub enum Progress {
    /// Everything is there.
    Loaded,
    /// It began at this moment, and had come to that one.
    Began(Time, Time),
    /// Nothing is there.
    Nothing,
}

const LOADED: &str = "demo";
const BEGAN: &str = "demo began";
const REACHED: &str = "demo reached";

/// How far it is.
pub async fn progress(db: &Db) -> Result<Progress, DbError> {
    db.read(|q| {
        let rows =
            q.rows("SELECT name, loaded_at FROM console.loaded WHERE name IN ($1, $2, $3) ORDER BY name", params![LOADED, BEGAN, REACHED])?;
        let at = |name: &str| rows.iter().find(|r| r.get::<String>(0).is_ok_and(|n| n == name)).map(|r| r.get::<Time>(1)).transpose();
        Ok(match (at(LOADED)?, at(BEGAN)?, at(REACHED)?) {
            (Some(_), ..) => Progress::Loaded,
            (None, Some(began), reached) => Progress::Began(began, reached.unwrap_or(began)),
            (None, None, _) => Progress::Nothing,
        })
    })
    .await
}

/// Notes when the demo's past begins; a repeat changes nothing.
pub async fn begin(db: &Db, at: Time) -> Result<(), DbError> {
    note(db, BEGAN, at, "NOTHING").await
}

/// Notes to which moment the clock has come.
pub async fn reach(db: &Db, at: Time) -> Result<(), DbError> {
    note(db, REACHED, at, "UPDATE SET loaded_at = excluded.loaded_at").await
}

async fn note(db: &Db, name: &'static str, at: Time, again: &'static str) -> Result<(), DbError> {
    db.write(move |tx| {
        let sql = format!("INSERT INTO console.loaded (name, loaded_at) VALUES ($1, $2) ON CONFLICT (name) DO {again}");
        tx.execute(&sql, params![name, at]).map(drop)
    })
    .await
}

/// Notes that everything is there; what was kept on the way is not needed any more.
pub async fn mark_loaded(db: &Db) -> Result<(), DbError> {
    db.write(|tx| {
        let now = tx.now();
        tx.execute("DELETE FROM console.demo_orders", &[])?;
        tx.execute("DELETE FROM console.loaded WHERE name <> $1", params![LOADED])?;
        let sql = "INSERT INTO console.loaded (name, loaded_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        tx.execute(sql, params![LOADED, now]).map(drop)
    })
    .await
}

/// The part of a day that comes next: day and slot.
pub async fn next_moment(db: &Db) -> Result<(u32, usize), DbError> {
    let next = db.read(|q| {
        let row = q.row("SELECT day, slot FROM console.demo_progress", &[])?;
        row.map_or(Ok((0, 0)), |r| Ok::<(i64, i64), DbError>((r.get(0)?, r.get(1)?)))
    });
    let (day, slot) = next.await?;
    Ok((u32::try_from(day).unwrap_or(0), usize::try_from(slot).unwrap_or(0)))
}

/// The orders of the past, oldest first.
pub async fn orders(db: &Db) -> Result<Vec<Placed>, DbError> {
    let rows = db.read(|q| q.rows("SELECT body FROM console.demo_orders ORDER BY key", &[])).await?;
    let placed = |r: &kit::Row| serde_json::from_value(r.get(0)?).map_err(|e| DbError::Internal(e.to_string()));
    rows.iter().map(placed).collect()
}

/// Keeps the orders of a part of a day, and which one comes next.
pub async fn keep(db: &Db, orders: Vec<Placed>, next: (u32, usize)) -> Result<(), DbError> {
    db.write(move |tx| {
        let now = tx.now();
        tx.execute("DELETE FROM console.demo_progress", &[])?;
        tx.execute("INSERT INTO console.demo_progress (day, slot) VALUES ($1, $2)", params![i64::from(next.0), next.1 as i64])?;
        let sql =
            "INSERT INTO console.loaded (name, loaded_at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET loaded_at = excluded.loaded_at";
        tx.execute(sql, params![REACHED, now])?;
        if orders.is_empty() {
            return Ok(());
        }
        let mut values: Vec<Value> = Vec::with_capacity(orders.len() * 2);
        for placed in &orders {
            let body = serde_json::to_value(placed).map_err(|e| DbError::Internal(e.to_string()))?;
            values.extend([placed.key.as_str().into(), body.into()]);
        }
        let sql =
            format!("INSERT INTO console.demo_orders (key, body) VALUES {} ON CONFLICT (key) DO NOTHING", value_rows(orders.len(), 2));
        tx.execute(&sql, &values).map(drop)
    })
    .await
}
