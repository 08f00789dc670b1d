//! What PostgreSQL refuses because of somebody else is run anew, and takes effect once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use contracts::events::cart::CartItemAdded;
use contracts::{CartId, VariantId};
use kit::db::{Counts, Database, Migration, migrate};
use kit::{Db, DbError, Tx, params};
use testing::{Fresh, fresh_database};
use uuid::Uuid;

use super::{Bed, STEPS, add, service};

struct Server {
    bed: Bed,
    fresh: Fresh,
}

impl Server {
    /// With two items of one piece each; `options` are the server's own, such as `-c name=value`.
    async fn new(connections: usize, options: &str) -> Server {
        let fresh = fresh_database();
        // Whoever waits for the other is idle in a transaction for as long as that takes.
        let options = format!("-c idle_in_transaction_session_timeout=0 -c statement_timeout=0 {options}");
        let options = options.trim().replace(' ', "%20").replace('=', "%3D");
        let database = Database::postgres(&format!("{}?options={options}", fresh.url()), connections).unwrap();
        let bed = Bed::on(database, tempfile::tempdir().unwrap(), STEPS).await.unwrap();
        for id in [1, 2] {
            add(&bed.db, id).await.unwrap();
        }
        Server { bed, fresh }
    }

    /// The quantities, and how many events there are.
    async fn found(&self) -> (Vec<i64>, i64) {
        let read = self.bed.db.read(|q| {
            let quantities =
                q.rows("SELECT quantity FROM own.items ORDER BY id", &[])?.iter().map(|r| r.get(0)).collect::<Result<_, _>>()?;
            let events = q.row("SELECT COUNT(*) FROM own.events", &[])?.map_or(Ok(0), |r| r.get(0))?;
            Ok::<_, DbError>((quantities, events))
        });
        read.await.unwrap()
    }
}

/// Two transactions that meet in their first runs, so that each is in the other's way.
#[derive(Clone)]
struct Meeting {
    place: Arc<Barrier>,
    runs: Arc<AtomicUsize>,
}

impl Meeting {
    fn new() -> Meeting {
        Meeting { place: Arc::new(Barrier::new(2)), runs: Arc::default() }
    }

    /// One of the two was run again, which was counted; that it was in the way once more is possible.
    fn had_repeats(&self, database: &Database, before: &Counts) {
        let repeats = self.runs.load(Ordering::SeqCst) as u64 - 2;
        assert!(repeats > 0, "neither was in the other's way");
        assert_eq!(database.counts().since(before).total().repeats, repeats);
    }

    /// Runs `f` for one of the two; what it is given waits for the other, in the first run.
    async fn take_part<F>(&self, db: &Db, f: F) -> Result<(), DbError>
    where
        F: Fn(&mut Tx, &dyn Fn()) -> Result<(), DbError> + Send + 'static,
    {
        let (meeting, own_runs) = (self.clone(), AtomicUsize::new(0));
        let written = db.write(move |tx| {
            meeting.runs.fetch_add(1, Ordering::SeqCst);
            let is_first = own_runs.fetch_add(1, Ordering::SeqCst) == 0;
            f(tx, &|| {
                if is_first {
                    meeting.place.wait();
                }
            })
        });
        written.await
    }
}

fn say(tx: &mut Tx, cart: u128) -> Result<(), DbError> {
    tx.publish(CartItemAdded { cart_id: CartId(Uuid::from_u128(cart)), variant_id: VariantId(Uuid::from_u128(9)), quantity: 1 })
}

#[tokio::test]
async fn a_deadlock_is_run_anew() {
    let server = Server::new(2, "-c deadlock_timeout=20ms").await;
    let (meeting, before) = (Meeting::new(), server.bed.database.counts());
    let crossing = |first: i64, second: i64| {
        meeting.take_part(&server.bed.db, move |tx, meet| {
            tx.execute("UPDATE own.items SET quantity = quantity + 1 WHERE id = $1", params![first])?;
            meet();
            tx.execute("UPDATE own.items SET quantity = quantity + 1 WHERE id = $1", params![second])?;
            say(tx, 1)
        })
    };
    assert_eq!(tokio::join!(crossing(1, 2), crossing(2, 1)), (Ok(()), Ok(())));
    assert_eq!(server.found().await, (vec![3, 3], 2));
    meeting.had_repeats(&server.bed.database, &before);
}

#[tokio::test]
async fn a_row_that_somebody_else_has_changed_is_read_anew() {
    let server = Server::new(2, "-c default_transaction_isolation=serializable").await;
    let (meeting, before) = (Meeting::new(), server.bed.database.counts());
    let raise = |cart: u128| {
        meeting.take_part(&server.bed.db, move |tx, meet| {
            let read = tx.row("SELECT quantity FROM own.items WHERE id = 1", &[])?.map_or(Ok(0_i64), |r| r.get(0))?;
            meet();
            tx.execute("UPDATE own.items SET quantity = $1 WHERE id = 1", params![read + 1])?;
            say(tx, cart)
        })
    };
    assert_eq!(tokio::join!(raise(1), raise(2)), (Ok(()), Ok(())));
    assert_eq!(server.found().await, (vec![3, 1], 2));
    meeting.had_repeats(&server.bed.database, &before);
}

#[tokio::test]
async fn a_commit_that_is_refused_for_somebody_elses_sake_is_run_anew() {
    let server = Server::new(2, "-c default_transaction_isolation=serializable").await;
    let (meeting, before) = (Meeting::new(), server.bed.database.counts());
    // Each counts what the other adds to: in no order of the two could both see two pieces.
    let count_and_add = |id: i64| {
        meeting.take_part(&server.bed.db, move |tx, meet| {
            let sum = tx.row("SELECT CAST(SUM(quantity) AS BIGINT) FROM own.items", &[])?.map_or(Ok(0_i64), |r| r.get(0))?;
            meet();
            tx.execute("INSERT INTO own.items (id, name, quantity) VALUES ($1, $2, $3)", params![id, format!("item {id}"), sum])?;
            meet();
            Ok(())
        })
    };
    assert_eq!(tokio::join!(count_and_add(3), count_and_add(4)), (Ok(()), Ok(())));
    let (mut quantities, _) = server.found().await;
    quantities.sort_unstable();
    assert_eq!(quantities, [1, 1, 2, 4]);
    meeting.had_repeats(&server.bed.database, &before);
}

/// As [`STEPS`], of the next version.
const NEXT_STEPS: &[Migration] = &[STEPS[0], Migration::new("0002_notes", "ALTER TABLE own.items ADD COLUMN note text;")];

/// Raises the first item and reads it whole; how often that was run.
async fn raise_and_read(db: &Db) -> usize {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let raised = db.write(move |tx| {
        counted.fetch_add(1, Ordering::SeqCst);
        tx.execute("UPDATE own.items SET quantity = quantity + 1 WHERE id = 1", &[])?;
        tx.row("SELECT * FROM own.items WHERE id = 1", &[])?;
        say(tx, 1)
    });
    assert_eq!(raised.await, Ok(()));
    runs.load(Ordering::SeqCst)
}

#[tokio::test]
async fn statements_are_prepared_anew_after_a_migration() {
    let server = Server::new(1, "").await;
    let db = &server.bed.db;
    let read = async || db.read(|q| q.rows("SELECT * FROM own.items ORDER BY id", &[]).map(|rows| rows.len())).await;
    assert_eq!((raise_and_read(db).await, read().await), (1, Ok::<_, DbError>(2)));
    // Another process; this one's connection lives on.
    migrate(&Database::postgres(&server.fresh.url(), 1).unwrap(), "orders", NEXT_STEPS).await.unwrap();
    assert_eq!(read().await, Ok(2));
    assert_eq!(raise_and_read(db).await, 1, "those of before are all forgotten");
    assert_eq!(server.found().await, (vec![3, 1], 2));
}

#[tokio::test]
async fn a_write_is_run_anew_after_a_migration() {
    let server = Server::new(1, "").await;
    let db = &server.bed.db;
    assert_eq!(raise_and_read(db).await, 1);
    migrate(&Database::postgres(&server.fresh.url(), 1).unwrap(), "orders", NEXT_STEPS).await.unwrap();
    assert_eq!(raise_and_read(db).await, 2);
    assert_eq!(server.found().await, (vec![3, 1], 2));
}

#[tokio::test]
async fn statements_that_the_server_has_lost_are_prepared_anew() {
    let server = Server::new(1, "").await;
    assert_eq!(raise_and_read(&server.bed.db).await, 1);
    server.bed.db.write(|tx| tx.execute("DEALLOCATE ALL", &[])).await.map_err(|e: DbError| e).unwrap();
    assert_eq!(raise_and_read(&server.bed.db).await, 2);
    assert_eq!(server.found().await, (vec![3, 1], 2));
    assert_eq!(super::ids(&service(&server.bed.database, "cart")).await, [0; 0], "the other service's too");
}
