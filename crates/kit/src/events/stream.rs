//! Aggregates whose state is the fold of their stream.

use contracts::EventSet;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::db::{DbError, Pending, Query, Row, Tx, Value, placeholders};
use crate::params;

/// State that is the fold of its events. `evolve` never fails and never decides; `decide` functions stand beside it.
pub trait Aggregate: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What can happen to it.
    type Event: EventSet;
    /// Version of the snapshot's shape; raise it when the struct changes, older snapshots are then ignored.
    const SNAPSHOT: i64;
    /// Takes in what has happened.
    fn evolve(&mut self, event: &Self::Event);
}

/// An aggregate as it was read, with the version that a save expects to find.
#[derive(Clone, Debug)]
pub struct Loaded<A> {
    /// Its id.
    pub id: Uuid,
    /// How many events it has.
    pub version: i64,
    /// The fold of them.
    pub state: A,
}

impl Query<'_> {
    /// Folds the stream `id`: from its snapshot and what came after, or from the beginning. `None` when it has no events.
    pub fn load<A: Aggregate>(&mut self, id: Uuid) -> Result<Option<Loaded<A>>, DbError> {
        Ok(self.load_many(&[id])?.pop())
    }

    /// Folds several streams in one statement, where their snapshots are fresh; in the order of `ids`, without those
    /// that have no events.
    pub fn load_many<A: Aggregate>(&mut self, ids: &[Uuid]) -> Result<Vec<Loaded<A>>, DbError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT stream, version, snapshot, snapshot_version, snapshot_schema FROM own.streams WHERE stream IN ({}) ORDER BY stream",
            placeholders(1, ids.len())
        );
        let values: Vec<Value> = ids.iter().map(|id| Value::from(*id)).collect();
        let mut loaded = self.rows(&sql, &values)?.iter().map(|row| self.fold(row)).collect::<Result<Vec<Loaded<A>>, _>>()?;
        loaded.sort_by_key(|l| ids.iter().position(|id| *id == l.id));
        Ok(loaded)
    }

    fn fold<A: Aggregate>(&mut self, row: &Row) -> Result<Loaded<A>, DbError> {
        let (id, version): (Uuid, i64) = (row.get(0)?, row.get(1)?);
        let usable = row.get::<Option<i64>>(4)? == Some(A::SNAPSHOT);
        let snapshot = if usable { row.json(2) } else { None };
        let from: i64 = if snapshot.is_some() { row.get::<Option<i64>>(3)?.unwrap_or(0) } else { 0 };
        let mut state: A = snapshot.unwrap_or_default();
        if from < version {
            for event in super::of_stream_after(self, id, from)? {
                let decoded = A::Event::decode(&event.kind, event.schema_version, &event.data);
                state.evolve(&decoded.map_err(|e| DbError::Internal(format!("stream {id}: {e}")))?);
            }
        }
        Ok(Loaded { id, version, state })
    }
}

impl Tx<'_> {
    /// A new aggregate from its first events. A stream that exists already is a lost race.
    pub fn create<A: Aggregate>(&mut self, id: Uuid, events: impl IntoIterator<Item = A::Event>) -> Result<Loaded<A>, DbError> {
        let mut loaded = Loaded { id, version: 0, state: A::default() };
        self.save(&mut loaded, events)?;
        Ok(loaded)
    }

    /// Appends `events` to the stream, if nobody else has since it was loaded, and folds them into `loaded`.
    /// A lost race makes the whole closure run again.
    pub fn save<A: Aggregate>(&mut self, loaded: &mut Loaded<A>, events: impl IntoIterator<Item = A::Event>) -> Result<(), DbError> {
        let expected = loaded.version;
        for event in events {
            loaded.version += 1;
            loaded.state.evolve(&event);
            let (kind, schema_version) = event.kind();
            let data = event.data().map_err(|e| DbError::Internal(e.to_string()))?;
            let id = self.id();
            self.push(Pending {
                id,
                stream: loaded.id,
                version: Some(loaded.version),
                kind,
                schema_version,
                data,
                metadata: self.metadata(),
            });
        }
        if loaded.version == expected {
            return Ok(());
        }
        let snapshot = serde_json::to_string(&loaded.state).map_err(|e| DbError::Internal(e.to_string()))?;
        let changed = if expected == 0 {
            self.execute(
                "INSERT INTO own.streams (stream, version, snapshot, snapshot_version, snapshot_schema) VALUES ($1, $2, $3, $2, $4) ON CONFLICT (stream) DO NOTHING",
                params![loaded.id, loaded.version, snapshot, A::SNAPSHOT],
            )?
        } else {
            self.execute(
                "UPDATE own.streams SET version = $2, snapshot = $3, snapshot_version = $2, snapshot_schema = $4 WHERE stream = $1 AND version = $5",
                params![loaded.id, loaded.version, snapshot, A::SNAPSHOT, expected],
            )?
        };
        if changed == 1 { Ok(()) } else { Err(self.lost_race()) }
    }
}
