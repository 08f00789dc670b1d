//! A database of its own for each test.

use std::sync::Arc;

use kit::db::{Database, Disk, Flush};
use tempfile::TempDir;

/// The budget of one test; many run at once on one server.
const CONNECTIONS: usize = 6;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file in a temporary folder.
    Sqlite,
    /// A database on a private server.
    Postgres,
}

/// An empty database that is gone when the last handle is dropped.
#[derive(Clone)]
pub struct Data {
    /// Open.
    pub database: Database,
    /// What to delete at the end.
    _place: Arc<Place>,
}

#[allow(dead_code, reason = "held for what happens when it is dropped")]
enum Place {
    Folder(TempDir),
    Database(crate::postgres::Fresh),
    Memory,
}

impl Data {
    /// A new one.
    pub fn fresh(engine: Engine) -> Data {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().expect("a test needs a temporary folder");
                let database = Database::sqlite(&folder.path().join("haat.db")).expect("a new file opens");
                Data { database, _place: Arc::new(Place::Folder(folder)) }
            }
            Engine::Postgres => {
                let fresh = crate::postgres::fresh_database();
                let database = Database::postgres(&fresh.url(), CONNECTIONS).expect("the private server answers");
                Data { database, _place: Arc::new(Place::Database(fresh)) }
            }
        }
    }
    /// A new one in memory, without threads of its own.
    pub fn in_memory() -> Data {
        let disk = Disk::empty().expect("there is memory");
        Data { database: Database::inline(&disk, |_| Flush::PLAIN), _place: Arc::new(Place::Memory) }
    }
}
