//! A connection that is lost at the commit: the caller learns what became of its transaction, or that nobody knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use contracts::events::cart::CartItemAdded;
use contracts::{CartId, VariantId};
use kit::db::Database;
use kit::{Db, DbError};
use testing::{Fresh, fresh_database};
use uuid::Uuid;

use super::line::{Cut, Line};
use super::{Bed, STEPS, add};

/// One connection over a line that breaks, and a way around it.
struct World {
    bed: Bed,
    around: Database,
    line: Line,
    #[allow(dead_code, reason = "dropped after what uses it")]
    fresh: Fresh,
}

/// What there is: the number that was raised, and the events that say so.
#[derive(Debug, PartialEq)]
struct Found {
    quantity: i64,
    events: i64,
}

impl World {
    async fn new() -> World {
        let fresh = fresh_database();
        let line = Line::to(&fresh);
        let database = Database::postgres(&line.url(), 1).unwrap();
        let bed = Bed::on(database, tempfile::tempdir().unwrap(), STEPS).await.unwrap();
        add(&bed.db, 1).await.unwrap();
        World { bed, around: Database::postgres(&fresh.url(), 1).unwrap(), line, fresh }
    }

    async fn found(&self) -> Found {
        let sql = "SELECT quantity, (SELECT COUNT(*) FROM own.events) FROM own.items WHERE id = 1";
        let read = self.around.view("orders").read(move |q| q.row(sql, &[])?.map(|r| Ok::<_, DbError>((r.get(0)?, r.get(1)?))).transpose());
        let (quantity, events) = read.await.unwrap().unwrap();
        Found { quantity, events }
    }
}

/// How often a transaction was run, and how often it was said to be durable.
#[derive(Clone, Default)]
struct Raised {
    runs: Arc<AtomicUsize>,
    durable: Arc<AtomicUsize>,
}

impl Raised {
    fn counts(&self) -> (usize, usize) {
        (self.runs.load(Ordering::SeqCst), self.durable.load(Ordering::SeqCst))
    }

    /// Adds one, and says so.
    fn raise(&self, db: &Db) -> impl Future<Output = Result<(), DbError>> + Send + use<> {
        let raised = self.clone();
        db.write(move |tx| {
            raised.runs.fetch_add(1, Ordering::SeqCst);
            tx.execute("UPDATE own.items SET quantity = quantity + 1 WHERE id = 1", &[])?;
            tx.publish(CartItemAdded { cart_id: CartId(Uuid::from_u128(1)), variant_id: VariantId(Uuid::from_u128(2)), quantity: 1 })?;
            let durable = raised.durable.clone();
            tx.after_commit(move || {
                durable.fetch_add(1, Ordering::SeqCst);
            });
            Ok(())
        })
    }
}

#[tokio::test]
async fn the_outcome_of_a_lost_commit_is_learned_and_there_is_one_effect() {
    for (cut, runs) in [(Cut::Request, 2), (Cut::Answer, 1), (Cut::Late { asked: 2 }, 1)] {
        let world = World::new().await;
        let raised = Raised::default();
        world.line.cut(cut);
        assert_eq!(raised.raise(&world.bed.db).await, Ok(()), "{cut:?}");
        assert_eq!((raised.counts(), world.found().await), ((runs, 1), Found { quantity: 2, events: 1 }), "{cut:?}");
        assert_eq!(raised.raise(&world.bed.db).await, Ok(()), "the next one has a connection, {cut:?}");
        assert_eq!((raised.counts(), world.found().await), ((runs + 1, 2), Found { quantity: 3, events: 2 }), "{cut:?}");
    }
}

#[tokio::test]
async fn an_outcome_that_cannot_be_learned_is_called_unknown() {
    tokio::join!(unknown(Cut::Request, 1), unknown(Cut::Answer, 2));
}

/// The line breaks, and the server cannot be reached to ask.
async fn unknown(cut: Cut, quantity: i64) {
    let world = World::new().await;
    let raised = Raised::default();
    world.line.cut(cut);
    world.line.close(true);
    let answer = raised.raise(&world.bed.db).await;
    assert!(matches!(&answer, Err(DbError::Unknown(why)) if why.contains("lost at the commit")), "{cut:?}: {answer:?}");
    assert_eq!((raised.counts(), world.found().await), ((1, 0), Found { quantity, events: quantity - 1 }), "{cut:?}");
    world.line.close(false);
    assert_eq!(raised.raise(&world.bed.db).await, Ok(()), "it goes on when the server is back, {cut:?}");
    assert_eq!((raised.counts(), world.found().await), ((2, 1), Found { quantity: quantity + 1, events: quantity }), "{cut:?}");
}
