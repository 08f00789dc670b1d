//! The event log of a service: its outbox, its event store, its audit trail, in one table.

mod consumer;
pub mod dead_letters;
mod part;
mod reader;
mod remote;
mod replay;
mod retention;
mod stream;

use std::collections::BTreeMap;

use contracts::{Envelope, Metadata};
use uuid::Uuid;

pub use consumer::{Consumer, ConsumerError};
pub use part::{PART_EVENTS_MAX, Part, Place, part};
pub use reader::Reader;
pub(crate) use reader::start_readers;
pub use remote::newest;
pub(crate) use remote::position_in;
pub(crate) use remote::{PATH as LOG_PATH, POSITION as LOG_POSITION, log_router, remote_log, watch_remote};
pub(crate) use replay::start_read_models;
pub use replay::{Cancelled, Kept, ReadModel, Replay, ReplayStatus, Replays, Table};
pub use retention::LogKept;
pub(crate) use retention::Retention;
pub use stream::{Aggregate, Loaded};

use crate::channel::{CallInfo, Faults, LOG, befall};
use crate::db::{Db, DbError, Query, Row, Tx, Value};
use crate::params;

/// Writes a closure's events as its last statements, in call order: first one statement that versions the streams
/// which the caller did not version, then one for the events.
///
/// On PostgreSQL a transaction must have its transaction id before it draws a position (`db::position`): the
/// engine's opening statement forces it.
pub(crate) fn write(tx: &mut Tx, events: &[crate::db::Pending]) -> Result<(), DbError> {
    let mut next = next_versions(tx, events)?;
    let now = tx.now();
    for chunk in crate::db::portions(events) {
        let mut values: Vec<Value> = vec![now.into()];
        let mut rows = Vec::with_capacity(chunk.len());
        for event in chunk {
            let version = match (event.version, next.get_mut(&event.stream)) {
                (Some(version), _) => version,
                (None, Some(next)) => {
                    *next += 1;
                    *next
                }
                (None, None) => return Err(DbError::Internal("no stream version".into())),
            };
            let metadata = serde_json::to_string(&event.metadata).map_err(|e| DbError::Internal(e.to_string()))?;
            rows.push(format!("({}, $1)", crate::db::placeholders(values.len() + 1, 7)));
            let (id, data) = (event.id, event.data.as_str());
            values.extend_from_slice(params![id, event.stream, version, event.kind, event.schema_version, data, metadata]);
        }
        let columns = "id, stream, version, type, schema_version, data, metadata, occurred_at";
        tx.execute(&format!("INSERT INTO own.events ({columns}) VALUES {}", rows.join(", ")), &values)?;
    }
    Ok(())
}

/// Raises the streams of the events that carry no version, and returns each one's version before.
/// Rows are taken in the order of their keys, so that two such statements cannot wait for each other.
fn next_versions(tx: &mut Tx, events: &[crate::db::Pending]) -> Result<BTreeMap<Uuid, i64>, DbError> {
    let mut wanted: BTreeMap<Uuid, i64> = BTreeMap::new();
    for event in events.iter().filter(|e| e.version.is_none()) {
        *wanted.entry(event.stream).or_default() += 1;
    }
    let streams: Vec<(Uuid, i64)> = wanted.iter().map(|(stream, count)| (*stream, *count)).collect();
    let mut before = BTreeMap::new();
    for chunk in crate::db::portions(&streams) {
        let values: Vec<Value> = chunk.iter().flat_map(|(stream, count)| [Value::from(*stream), Value::from(*count)]).collect();
        let sql = format!(
            "INSERT INTO own.streams (stream, version) VALUES {} ON CONFLICT (stream) DO UPDATE SET version = own.streams.version + excluded.version RETURNING stream, version",
            crate::db::value_rows(chunk.len(), 2)
        );
        for row in tx.rows(&sql, &values)? {
            let (stream, version): (Uuid, i64) = (row.get(0)?, row.get(1)?);
            before.insert(stream, version - wanted.get(&stream).copied().unwrap_or_default());
        }
    }
    Ok(before)
}

/// Up to `limit` events of the service's log after `position`, oldest first; none is left out that could still be
/// committed before them.
pub fn after(q: &mut Query, position: i64, limit: i64) -> Result<Vec<Envelope>, DbError> {
    run_after(q, position, limit).map(|run| run.events)
}

/// As [`after`], and whether there is more, behind something that may still be committed.
fn run_after(q: &mut Query, position: i64, limit: i64) -> Result<bus::LogRun, DbError> {
    let gaps = q.gaps();
    let xmin = if gaps.is_some() { crate::db::XMIN } else { "0" };
    let mut rows = q.rows(
        &format!(
            "SELECT id, position, stream, version, type, schema_version, data, metadata, occurred_at, {xmin} FROM own.events WHERE position > $1 ORDER BY position LIMIT $2"
        ),
        params![position, limit],
    )?;
    let found = rows.len();
    if let (Some(gaps), Some(last)) = (gaps, rows.last()) {
        let xmin = last.get(9)?;
        let positions: Vec<i64> = rows.iter().map(|r| r.get(1)).collect::<Result<_, _>>()?;
        rows.truncate(crate::db::safe_run(q, &gaps, position, &positions, xmin)?);
    }
    let service = q.service();
    let events = rows.iter().map(|r| envelope(service, r)).collect::<Result<_, _>>()?;
    Ok(bus::LogRun { events, held_back: rows.len() < found })
}

/// Up to `limit` committed events of the service's log after `position`, oldest first. Some with a smaller position may
/// still be committed: for those who know that these do not concern them.
pub(crate) fn written_after(q: &mut Query, position: i64, limit: i64) -> Result<Vec<Envelope>, DbError> {
    let rows = q.rows(
        "SELECT id, position, stream, version, type, schema_version, data, metadata, occurred_at FROM own.events WHERE position > $1 ORDER BY position LIMIT $2",
        params![position, limit],
    )?;
    let service = q.service();
    rows.iter().map(|r| envelope(service, r)).collect()
}

/// All events of one stream, oldest first.
pub fn of_stream(q: &mut Query, stream: Uuid) -> Result<Vec<Envelope>, DbError> {
    of_stream_after(q, stream, 0)
}

/// The events of one stream after `version`, oldest first.
pub(crate) fn of_stream_after(q: &mut Query, stream: Uuid, version: i64) -> Result<Vec<Envelope>, DbError> {
    let rows = q.rows(
        "SELECT id, position, stream, version, type, schema_version, data, metadata, occurred_at FROM own.events WHERE stream = $1 AND version > $2 ORDER BY version",
        params![stream, version],
    )?;
    let service = q.service();
    rows.iter().map(|r| envelope(service, r)).collect()
}

fn envelope(service: &str, row: &Row) -> Result<Envelope, DbError> {
    Ok(Envelope {
        id: row.get(0)?,
        source: service.to_owned(),
        position: row.get(1)?,
        stream: row.get(2)?,
        sequence: row.get(3)?,
        kind: row.get(4)?,
        schema_version: row.get(5)?,
        data: row.json_text(6)?,
        metadata: row.json::<Metadata>(7).unwrap_or_default(),
        time: row.get(8)?,
    })
}

/// Makes a service's log readable on the bus.
pub(crate) fn log_reader(db: &Db, faults: Faults) -> bus::LogReader {
    let db = db.clone();
    std::sync::Arc::new(move |position, limit| {
        let read = db.read(move |q| run_after(q, position, limit as i64));
        let service = db.service();
        let fault = faults.decide(CallInfo { caller: service, callee: service, method: LOG });
        let failed = move |reason: String| bus::ReadError { source_name: service.to_owned(), reason };
        let answer = async move { read.await.map_err(|e: DbError| failed(e.to_string())) };
        Box::pin(befall(fault, answer, move |what| failed(format!("the {what} was lost on purpose"))))
    })
}
