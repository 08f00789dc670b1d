//! Delivery: once in effect, in order within a stream, and a failure harms its own stream only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use contracts::events::cart::{CartItemAdded, CartItemRemoved};
use contracts::{CartId, VariantId};
use kit::channel::{CallInfo, Fault, LOG};
use kit::events::dead_letters;
use kit::{BuildError, Consumer, ConsumerError, Db, DbError, Env, Migration, Service, ServiceDef, Tx, params};
use serde_json::json;
use testing::{Data, Engine, TestPlatform, eventually};
use tokio::time::Instant;
use utoipa::openapi::OpenApiBuilder;
use uuid::Uuid;

/// Writes down what it is told about carts. What it does with a cart's events is a row, so that tests can change it.
pub const TALLY: ServiceDef = ServiceDef {
    name: "tally",
    migrations: &[Migration::new(
        "0001_tally",
        "CREATE TABLE own.effects (n {serial}, cart {id} NOT NULL, quantity bigint NOT NULL, sequence bigint NOT NULL, at {time} NOT NULL);
CREATE TABLE own.moods (cart {id} PRIMARY KEY, mood text NOT NULL);",
    )],
    calls: &[],
    reads: &["cart"],
    describe: || (Vec::new(), OpenApiBuilder::new().build()),
    keys: Vec::new,
    sealed: None,
    check_config: |_| Ok(()),
    build,
};

fn build(_: Env) -> Result<Service, BuildError> {
    let consumer = Consumer::on(|tx: &mut Tx, added: &CartItemAdded, envelope| {
        let now = tx.now();
        // Written before the mood is asked, so that a failure has something to undo.
        tx.execute(
            "INSERT INTO own.effects (cart, quantity, sequence, at) VALUES ($1, $2, $3, $4)",
            params![added.cart_id.0, added.quantity, envelope.sequence, now],
        )?;
        let mood = tx.row("SELECT mood FROM own.moods WHERE cart = $1", params![added.cart_id.0])?;
        match mood.map(|r| r.get::<String>(0)).transpose()?.as_deref() {
            None => Ok(()),
            Some("later") => Err(ConsumerError::Later("the cart's owner is unknown".into())),
            Some("never") => Err(ConsumerError::Permanent("the cart is cursed".into())),
            Some("breaks") => Err(ConsumerError::Db(DbError::Internal("it broke".into()))),
            Some("panics") => panic!("boo"),
            Some("fails") => Err(tx.execute("INSERT INTO own.nowhere (x) VALUES (1)", &[]).map(drop).expect_err("no such table").into()),
            Some("crowded") => {
                let so_far = tx.row("SELECT COUNT(*) FROM own.effects WHERE at = $1", params![now])?.map_or(Ok(0_i64), |r| r.get(0))?;
                if so_far > 20 { Err(ConsumerError::Db(DbError::TimedOut)) } else { Ok(()) }
            }
            Some("answers") => {
                tx.publish(CartItemRemoved { cart_id: added.cart_id, variant_id: added.variant_id })?;
                Ok(())
            }
            Some(other) => Err(ConsumerError::Permanent(other.into())),
        }
    });
    Ok(Service { consumers: vec![consumer], ..Service::default() })
}

/// A cart's id.
pub fn cart(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// Adds to each of the carts, in one transaction.
pub async fn publish(p: &TestPlatform, carts: Vec<Uuid>, quantity: i64) {
    let published = p.db("cart").write(move |tx| {
        carts
            .iter()
            .try_for_each(|cart| tx.publish(CartItemAdded { cart_id: CartId(*cart), variant_id: VariantId(Uuid::from_u128(1)), quantity }))
    });
    published.await.unwrap();
}

async fn set_mood(p: &TestPlatform, cart: Uuid, mood: Option<&'static str>) {
    let changed = p.db("tally").write(move |tx| {
        tx.execute("DELETE FROM own.moods WHERE cart = $1", params![cart])?;
        match mood {
            Some(mood) => tx.execute("INSERT INTO own.moods (cart, mood) VALUES ($1, $2)", params![cart, mood]),
            None => Ok(0),
        }
    });
    changed.await.unwrap();
}

/// Quantities that took effect for a cart, in the order in which they did.
pub async fn effects(p: &TestPlatform, cart: Uuid) -> Vec<i64> {
    let read = p.db("tally").read(move |q| {
        q.rows("SELECT quantity FROM own.effects WHERE cart = $1 ORDER BY n", params![cart])?.iter().map(|r| r.get(0)).collect()
    });
    read.await.unwrap_or_else(|e: DbError| panic!("{e}"))
}

/// State, attempts and error of what lies in the inbox, by sequence.
async fn inbox(db: &Db) -> Vec<(String, i64, String)> {
    let read = db.read(|q| {
        let rows = q.rows("SELECT state, attempts, COALESCE(error, '') FROM own.inbox ORDER BY stream, sequence, event_id", &[])?;
        rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).collect()
    });
    read.await.unwrap_or_else(|e: DbError| panic!("{e}"))
}

async fn paused(db: &Db) -> Option<String> {
    let read = db.read(|q| q.row("SELECT paused FROM own.readers WHERE source = 'cart'", &[])?.map_or(Ok(None), |r| r.get(0)));
    read.await.unwrap_or_else(|e: DbError| panic!("{e}"))
}

testing::both_engines!(
    every_event_takes_effect_once_and_in_order,
    a_failure_parks_its_stream_and_no_other,
    what_is_not_there_yet_is_tried_again,
    a_dead_letter_can_be_retried,
    a_dead_letter_can_be_discarded,
    dead_letters_that_failed_alike_go_together,
    a_batch_that_takes_too_long_is_taken_in_parts,
    five_failing_streams_pause_the_subscription,
    a_crash_loses_nothing_and_repeats_nothing,
    a_pause_that_was_noted_before_a_crash_is_over_after_it,
    two_nodes_with_one_subscription_apply_once,
    what_an_event_causes_names_it,
);

async fn every_event_takes_effect_once_and_in_order(engine: Engine) {
    let p = TestPlatform::start(engine, &[TALLY]).await;
    // More than a batch, in transactions of different sizes.
    for quantity in 0..150 {
        publish(&p, (0..=quantity % 4).map(|n| cart(n as u128)).collect(), quantity).await;
    }
    p.settle().await;
    assert_eq!(effects(&p, cart(0)).await, (0..150).collect::<Vec<_>>());
    assert_eq!(effects(&p, cart(3)).await, (0..150).filter(|q| q % 4 == 3).collect::<Vec<_>>());
    assert!(inbox(&p.db("tally")).await.is_empty());
}

async fn a_failure_parks_its_stream_and_no_other(engine: Engine) {
    for (mood, error) in [("breaks", "database: it broke"), ("panics", "database: panic: boo"), ("fails", "database: ")] {
        let p = TestPlatform::start(engine, &[TALLY]).await;
        set_mood(&p, cart(1), Some(mood)).await;
        publish(&p, vec![cart(0), cart(1), cart(2), cart(1), cart(0)], 7).await;
        publish(&p, vec![cart(1), cart(2)], 8).await;
        p.settle().await;
        assert_eq!(effects(&p, cart(0)).await, [7, 7]);
        assert_eq!(effects(&p, cart(2)).await, [7, 8]);
        assert!(effects(&p, cart(1)).await.is_empty(), "what failed was undone, what is behind it waits");
        let parked = inbox(&p.db("tally")).await;
        assert!(parked.iter().all(|(state, ..)| state == "parked") && parked.len() == 3, "{parked:?}");
        assert!(parked[0].1 >= 1 && parked[0].2.starts_with(error), "{parked:?}");
        assert_eq!((parked[1].1, parked[2].1), (0, 0), "those behind it were not tried");
        assert_eq!(paused(&p.db("tally")).await, None);

        set_mood(&p, cart(1), None).await;
        eventually("the stream goes on by itself", || async { effects(&p, cart(1)).await == [7, 7, 8] }).await;
        p.settle().await;
        publish(&p, vec![cart(1)], 9).await;
        p.settle().await;
        assert_eq!(effects(&p, cart(1)).await, [7, 7, 8, 9]);
    }
}

async fn what_is_not_there_yet_is_tried_again(engine: Engine) {
    let p = TestPlatform::start(engine, &[TALLY]).await;
    set_mood(&p, cart(1), Some("later")).await;
    publish(&p, vec![cart(1), cart(2), cart(1)], 1).await;
    eventually("it was tried again", || async { inbox(&p.db("tally")).await.first().is_some_and(|(_, attempts, _)| *attempts > 2) }).await;
    assert_eq!(effects(&p, cart(2)).await, [1]);
    set_mood(&p, cart(1), None).await;
    eventually("it takes effect", || async { effects(&p, cart(1)).await == [1, 1] }).await;
}

async fn a_dead_letter_can_be_retried(engine: Engine) {
    let p = TestPlatform::start(engine, &[TALLY]).await;
    let letter = dead_letter(&p).await;
    assert!(!dead_letters::retry(&p.db("tally"), Uuid::from_u128(9)).await.unwrap(), "no such event");
    set_mood(&p, cart(1), None).await;
    assert!(dead_letters::retry(&p.db("tally"), letter).await.unwrap());
    p.settle().await;
    assert_eq!(effects(&p, cart(1)).await, [1, 2], "it, then what waited behind it");
    assert!(inbox(&p.db("tally")).await.is_empty());
}

async fn a_dead_letter_can_be_discarded(engine: Engine) {
    let mut p = TestPlatform::start(engine, &[TALLY]).await;
    let letter = dead_letter(&p).await;
    p.restart().await;
    p.settle().await;
    assert!(effects(&p, cart(1)).await.is_empty(), "a new start does not try it again");
    set_mood(&p, cart(1), None).await;
    assert!(dead_letters::discard(&p.db("tally"), letter).await.unwrap());
    assert!(!dead_letters::discard(&p.db("tally"), letter).await.unwrap(), "only once");
    p.settle().await;
    assert_eq!(effects(&p, cart(1)).await, [2], "only what waited behind it");
}

/// Makes one of the first of two events of cart 1, and returns its id.
async fn dead_letter(p: &TestPlatform) -> Uuid {
    set_mood(p, cart(1), Some("never")).await;
    publish(p, vec![cart(1)], 1).await;
    publish(p, vec![cart(1), cart(2)], 2).await;
    p.settle().await;
    let letters = p.db("tally").read(|q| dead_letters::list(q, 10, None)).await.unwrap();
    assert_eq!(letters.len(), 1, "the one behind it is not dead");
    let l = &letters[0];
    assert_eq!((l.source.as_str(), l.kind.as_str(), l.sequence, l.attempts, l.waiting), ("cart", "cart.item_added", 1, 1, 1));
    assert_eq!((l.error.as_str(), l.stream), ("the cart is cursed", cart(1)));
    assert_eq!(l.event["data"]["quantity"], 1);
    assert_eq!(effects(p, cart(2)).await, [2]);
    l.id
}

async fn dead_letters_that_failed_alike_go_together(engine: Engine) {
    let p = TestPlatform::start(engine, &[TALLY]).await;
    for n in 1..=3 {
        set_mood(&p, cart(n), Some(if n == 3 { "odd" } else { "never" })).await;
    }
    publish(&p, vec![cart(1), cart(2), cart(3)], 1).await;
    p.settle().await;
    let groups = p.db("tally").read(dead_letters::groups).await.unwrap();
    let found: Vec<_> = groups.iter().map(|g| (g.kind.as_str(), g.error.as_str(), g.count)).collect();
    assert_eq!(found, [("cart.item_added", "the cart is cursed", 2), ("cart.item_added", "odd", 1)]);
    for n in 1..=3 {
        set_mood(&p, cart(n), None).await;
    }
    let db = p.db("tally");
    assert_eq!(dead_letters::retry_group(&db, "cart", "cart.item_added", "the cart is cursed").await.unwrap(), 2);
    p.settle().await;
    assert_eq!((effects(&p, cart(1)).await, effects(&p, cart(3)).await), (vec![1], vec![]));
    assert_eq!(dead_letters::discard_group(&db, "cart", "cart.item_added", "odd").await.unwrap(), 1);
    assert!(inbox(&db).await.is_empty());
}

async fn a_batch_that_takes_too_long_is_taken_in_parts(engine: Engine) {
    let p = TestPlatform::start(engine, &[TALLY]).await;
    set_mood(&p, cart(1), Some("crowded")).await;
    publish(&p, vec![cart(1); 300], 1).await;
    publish(&p, vec![cart(2)], 2).await;
    p.settle().await;
    assert_eq!((effects(&p, cart(1)).await, effects(&p, cart(2)).await), (vec![1; 300], vec![2]));
    assert_eq!((inbox(&p.db("tally")).await.len(), paused(&p.db("tally")).await), (0, None), "it was nobody's fault");
}

/// A subscription whose publisher has been away for some time, and what brings it back.
async fn after_an_outage() -> (TestPlatform, Arc<AtomicBool>) {
    let p = TestPlatform::start_on(Data::in_memory(), &[TALLY], json!({})).await;
    let (is_away, tries) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (away, tried) = (is_away.clone(), tries.clone());
    p.platform().directory.set_faults(Arc::new(move |call: &CallInfo| {
        let lost = call.callee == "cart" && call.method == LOG && away.load(Ordering::SeqCst);
        tried.fetch_add(usize::from(lost), Ordering::SeqCst);
        if lost { Fault::LoseRequest } else { Fault::None }
    }));
    publish(&p, vec![cart(1)], 1).await;
    eventually("its pauses have grown", || async { tries.load(Ordering::SeqCst) >= 11 }).await;
    (p, is_away)
}

#[test]
fn a_publisher_that_is_back_is_heard_at_once() {
    testing::run_in_virtual_time(async {
        let (p, is_away) = after_an_outage().await;
        let back = Instant::now();
        is_away.store(false, Ordering::SeqCst);
        publish(&p, vec![cart(1)], 2).await;
        eventually("both take effect", || async { effects(&p, cart(1)).await == [1, 2] }).await;
        assert!(back.elapsed() < Duration::from_secs(1), "{:?}", back.elapsed());
        eventually("it goes on", || async { paused(&p.db("tally")).await.is_none() }).await;
    });
}

#[test]
fn a_publisher_that_is_back_and_says_nothing_is_asked_soon() {
    testing::run_in_virtual_time(async {
        let (p, is_away) = after_an_outage().await;
        let back = Instant::now();
        is_away.store(false, Ordering::SeqCst);
        eventually("it takes effect", || async { effects(&p, cart(1)).await == [1] }).await;
        assert!(back.elapsed() < Duration::from_secs(6), "{:?}", back.elapsed());
    });
}

async fn five_failing_streams_pause_the_subscription(engine: Engine) {
    let p = TestPlatform::start(engine, &[TALLY]).await;
    for n in 0..40 {
        set_mood(&p, cart(n), Some("breaks")).await;
    }
    publish(&p, (0..40).map(cart).collect(), 1).await;
    let db = p.db("tally");
    eventually("it pauses", || async { paused(&db).await.is_some() }).await;
    assert!(paused(&db).await.is_none_or(|why| why.contains("streams failed in a row") && why.contains("it broke")));
    let parked = inbox(&db).await.len();
    assert!((5..20).contains(&parked), "the log is not emptied into the inbox: {parked}");
    for n in 0..40 {
        set_mood(&p, cart(n), None).await;
    }
    for n in 0..40 {
        eventually("each one takes effect", || async { effects(&p, cart(n)).await == [1] }).await;
    }
    eventually("it goes on", || async { paused(&db).await.is_none() }).await;
}

async fn a_pause_that_was_noted_before_a_crash_is_over_after_it(engine: Engine) {
    let mut p = TestPlatform::start(engine, &[TALLY]).await;
    publish(&p, vec![cart(1)], 1).await;
    eventually("it takes effect", || async { effects(&p, cart(1)).await == [1] }).await;
    let noted = p.db("tally").write(|tx| tx.execute("UPDATE own.readers SET paused = 'the log could not be read'", &[]));
    noted.await.unwrap_or_else(|e: DbError| panic!("{e}"));
    p.restart().await;
    let db = p.db("tally");
    eventually("it goes on", || async { paused(&db).await.is_none() }).await;
}

async fn a_crash_loses_nothing_and_repeats_nothing(engine: Engine) {
    let mut p = TestPlatform::start(engine, &[TALLY]).await;
    set_mood(&p, cart(2), Some("later")).await;
    for round in 0..8 {
        for n in 0..20 {
            publish(&p, vec![cart(0), cart(1), cart(2)], round * 20 + n).await;
        }
        // Somewhere in the middle of what the readers do.
        p.restart().await;
    }
    set_mood(&p, cart(2), None).await;
    for n in 0..3 {
        eventually("all of it took effect", || async { effects(&p, cart(n)).await.len() >= 160 }).await;
    }
    p.settle().await;
    for n in 0..3 {
        assert_eq!(effects(&p, cart(n)).await, (0..160).collect::<Vec<_>>(), "cart {n}");
    }
}

async fn two_nodes_with_one_subscription_apply_once(engine: Engine) {
    let first = TestPlatform::start(engine, &[TALLY]).await;
    let second = TestPlatform::start_on(first.data(), &[TALLY], json!({})).await;
    set_mood(&first, cart(5), Some("later")).await;
    for quantity in 0..100 {
        let node = if quantity % 2 == 0 { &first } else { &second };
        publish(node, (0..6).map(cart).collect(), quantity).await;
        if quantity == 80 {
            set_mood(&first, cart(5), None).await;
        }
    }
    for n in 0..6 {
        eventually("all of it took effect", || async { effects(&first, cart(n)).await.len() >= 100 }).await;
    }
    first.settle().await;
    second.settle().await;
    for n in 0..6 {
        assert_eq!(effects(&first, cart(n)).await, (0..100).collect::<Vec<_>>(), "cart {n}");
    }
}

async fn what_an_event_causes_names_it(engine: Engine) {
    let p = TestPlatform::start(engine, &[TALLY]).await;
    set_mood(&p, cart(1), Some("answers")).await;
    set_mood(&p, cart(2), Some("answers")).await;
    publish(&p, vec![cart(1), cart(2)], 1).await;
    p.settle().await;
    let causes = p.db("cart").read(|q| kit::events::after(q, 0, 10)).await.unwrap();
    let consequences = p.db("tally").read(|q| kit::events::after(q, 0, 10)).await.unwrap();
    let caused_by: Vec<_> = consequences.iter().map(|e| e.metadata.causation_id.clone()).collect();
    assert_eq!(caused_by, causes.iter().map(|e| Some(e.id.to_string())).collect::<Vec<_>>());
}
