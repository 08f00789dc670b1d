//! On PostgreSQL positions become visible out of order: a reader must not jump over one that is still to be committed,
//! and must not wait for ever for one that was rolled back.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contracts::events::cart::CartItemAdded;
use contracts::{CartId, Envelope, VariantId};
use kit::events::{Place, part};
use kit::{DbError, Tx, params};
use testing::{Engine, TestPlatform};
use uuid::Uuid;

use crate::readers::{TALLY, cart, effects, publish};

#[test]
fn the_older_transaction_commits_last_and_is_not_jumped_over() {
    testing::run(async {
        let p = TestPlatform::start(Engine::Postgres, &[TALLY]).await;
        let older = hold_open(&p, 1, Ok(()));
        older.has_drawn();
        publish(&p, vec![cart(2)], 2).await;
        for _ in 0..3 {
            assert!(log(&p).await.is_empty(), "what is behind the older one waits");
        }
        older.ends().await.unwrap();
        p.settle().await;
        assert_eq!((effects(&p, cart(1)).await, effects(&p, cart(2)).await), (vec![1], vec![2]));
        assert_eq!(log(&p).await, [cart(1), cart(2)]);
    });
}

#[test]
fn a_position_that_was_rolled_back_is_passed() {
    testing::run(async {
        let p = TestPlatform::start(Engine::Postgres, &[TALLY]).await;
        let older = hold_open(&p, 1, Err(DbError::Check("no".into())));
        older.has_drawn();
        publish(&p, vec![cart(2)], 2).await;
        assert!(log(&p).await.is_empty());
        older.ends().await.unwrap_err();
        p.settle().await;
        assert_eq!((effects(&p, cart(1)).await, effects(&p, cart(2)).await), (vec![], vec![2]));
    });
}

#[test]
fn a_log_is_taken_out_whole_whatever_is_missing_or_still_open_in_it() {
    testing::run(async {
        let p = TestPlatform::start(Engine::Postgres, &[TALLY]).await;
        let lost = hold_open(&p, 1, Err(DbError::Check("no".into())));
        lost.has_drawn();
        publish(&p, vec![cart(2)], 2).await;
        lost.ends().await.unwrap_err();
        let older = hold_open(&p, 1, Ok(()));
        older.has_drawn();
        publish(&p, vec![cart(3)], 3).await;
        let (mut taken, mut place) = (Vec::new(), None);
        for _ in 0..3 {
            place = take(&p, place, &mut taken).await;
            assert!(place.is_some() && !taken.contains(&cart(3)), "what is behind the open one waits: {taken:?}");
        }
        older.ends().await.unwrap();
        publish(&p, vec![cart(4)], 4).await;
        while place.is_some() {
            place = take(&p, place, &mut taken).await;
        }
        assert_eq!(taken, [cart(2), cart(1), cart(3)], "what came later is not asked for");
    });
}

/// Takes the next part out of the log; where the one behind it begins.
async fn take(p: &TestPlatform, place: Option<Place>, taken: &mut Vec<Uuid>) -> Option<Place> {
    let part: Result<_, DbError> = p.db("cart").read(move |q| part(q, place, 10)).await;
    let part = part.unwrap();
    let events = part.events.iter().map(|text| serde_json::from_str(text).and_then(Envelope::from_cloud_event).unwrap());
    taken.extend(events.map(|e| e.stream));
    part.next
}

/// The streams of the events that readers of the log may see.
async fn log(p: &TestPlatform) -> Vec<Uuid> {
    let events = p.db("cart").read(|q| kit::events::after(q, 0, 10)).await;
    events.unwrap().iter().map(|e| e.stream).collect()
}

/// A transaction that has drawn a position and does not end.
struct Open {
    drawn: Receiver<()>,
    go_on: Sender<()>,
    ended: tokio::task::JoinHandle<Result<(), DbError>>,
}

impl Open {
    fn has_drawn(&self) {
        self.drawn.recv_timeout(Duration::from_secs(30)).expect("the transaction comes to its event");
    }

    async fn ends(self) -> Result<(), DbError> {
        self.go_on.send(()).unwrap();
        self.ended.await.unwrap()
    }
}

fn hold_open(p: &TestPlatform, quantity: i64, end: Result<(), DbError>) -> Open {
    let ((tell, drawn), (go_on, told)) = (channel(), channel());
    let told = Arc::new(Mutex::new(told));
    let ended = p.db("cart").write(move |tx| {
        write_event(tx, cart(1), quantity)?;
        tell.send(()).unwrap();
        // The server ends a transaction that says nothing for too long.
        while told.lock().unwrap().recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
            tx.row("SELECT 1", &[])?;
        }
        end.clone()
    });
    Open { drawn, go_on, ended: tokio::spawn(ended) }
}

/// What `publish` does at the end of a transaction, here in its middle.
fn write_event(tx: &mut Tx, stream: Uuid, quantity: i64) -> Result<(), DbError> {
    let data = CartItemAdded { cart_id: CartId(stream), variant_id: VariantId(stream), quantity };
    let (id, now, empty) = (tx.id(), tx.now(), serde_json::json!({}));
    tx.execute("INSERT INTO own.streams (stream, version) VALUES ($1, 1)", params![stream])?;
    tx.execute(
        "INSERT INTO own.events (id, stream, version, type, schema_version, data, metadata, occurred_at) VALUES ($1, $2, 1, 'cart.item_added', 1, $3, $4, $5)",
        params![id, stream, serde_json::to_value(data).unwrap(), empty, now],
    )?;
    Ok(())
}
