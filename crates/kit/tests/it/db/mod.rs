//! The rules of transactions, each with a test that fails without it.

mod answers;
mod commits;
mod inline;
mod line;
mod postgres;
mod reruns;
mod sqlite;

use kit::db::{Database, MigrateError, migrate};
use kit::{Clock, Db, DbError, Ids, Migration, params};

/// Two services with the same tables, for what they may and may not do to each other.
pub const STEPS: &[Migration] = &[Migration::new(
    "0001_items",
    "CREATE TABLE own.items (id bigint PRIMARY KEY, name text NOT NULL UNIQUE, quantity bigint NOT NULL CHECK (quantity >= 0));\n\
     CREATE INDEX items_quantity ON own.items (quantity);\n",
)];

pub struct Bed {
    pub database: Database,
    pub db: Db,
    pub folder: tempfile::TempDir,
}

impl Bed {
    pub async fn new() -> Bed {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::sqlite(&folder.path().join("haat.db")).unwrap();
        Bed::on(database, folder, STEPS).await.unwrap()
    }

    pub async fn on(database: Database, folder: tempfile::TempDir, steps: &'static [Migration]) -> Result<Bed, MigrateError> {
        migrate(&database, "orders", steps).await?;
        migrate(&database, "cart", steps).await?;
        let db = service(&database, "orders");
        Ok(Bed { database, db, folder })
    }
}

pub fn service(database: &Database, name: &'static str) -> Db {
    database.for_service(name, Clock::system(), Ids::random(), bus::Local::new())
}

pub fn add(db: &Db, id: i64) -> impl Future<Output = Result<(), DbError>> + Send + use<> {
    db.write(move |tx| insert(tx, id))
}

pub fn insert(tx: &mut kit::Tx, id: i64) -> Result<(), DbError> {
    tx.execute("INSERT INTO own.items (id, name, quantity) VALUES ($1, $2, 1)", params![id, format!("item {id}")]).map(drop)
}

pub async fn ids(db: &Db) -> Vec<i64> {
    let read = db.read(|q| q.rows("SELECT id FROM own.items ORDER BY id", &[])?.iter().map(|r| r.get(0)).collect::<Result<_, DbError>>());
    read.await.unwrap()
}
