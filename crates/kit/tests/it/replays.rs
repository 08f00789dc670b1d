//! Read models follow the log and can be built anew from it, while events keep coming.

use contracts::events::cart::{CartItemAdded, CartItemRemoved};
use contracts::{CartId, VariantId};
use kit::events::{Cancelled, Kept, ReadModel, ReplayStatus, Replays, Table};
use kit::{BuildError, DbError, Env, Migration, Service, ServiceDef, Tx, params};
use serde_json::{Value as Json, json};
use testing::{Data, Engine, TestPlatform, eventually};
use utoipa::openapi::OpenApiBuilder;
use uuid::Uuid;

/// A publisher with a model of its own log: how much was added to each cart.
const CART: ServiceDef = ServiceDef {
    name: "cart",
    migrations: &[Migration::new(
        "0001_totals",
        "CREATE TABLE own.totals (cart {id} PRIMARY KEY, quantity bigint NOT NULL CHECK (quantity >= 0));",
    )],
    calls: &[],
    reads: &[],
    describe: || (Vec::new(), OpenApiBuilder::new().build()),
    keys: Vec::new,
    sealed: None,
    check_config: |_| Ok(()),
    build,
};

const TOTALS: ReadModel = ReadModel {
    name: "totals",
    kinds: &["cart.item_added"],
    kept: Kept::Behind { reset: |tx| tx.execute("DELETE FROM own.totals", &[]).map(drop) },
    apply: |tx, envelope| {
        let added: CartItemAdded = envelope.decode().map_err(|e| DbError::Internal(e.to_string()))?;
        let sql = "INSERT INTO own.totals (cart, quantity) VALUES ($1, $2) ON CONFLICT (cart) DO UPDATE SET quantity = own.totals.quantity + excluded.quantity";
        tx.execute(sql, params![added.cart_id.0, added.quantity]).map(drop)
    },
};

fn build(_: Env) -> Result<Service, BuildError> {
    Ok(Service { read_models: vec![TOTALS], ..Service::default() })
}

async fn add(p: &TestPlatform, quantity: i64, times: usize) {
    let (cart_id, variant_id) = (CartId(Uuid::from_u128(1)), VariantId(Uuid::from_u128(2)));
    let added = p.db("cart").write(move |tx| {
        tx.publish(CartItemRemoved { cart_id, variant_id })?;
        (0..times).try_for_each(|_| tx.publish(CartItemAdded { cart_id, variant_id, quantity }))
    });
    added.await.unwrap();
}

async fn total(p: &TestPlatform) -> i64 {
    let read = p.db("cart").read(|q| q.row("SELECT CAST(SUM(quantity) AS BIGINT) FROM own.totals", &[])?.map_or(Ok(None), |r| r.get(0)));
    read.await.unwrap_or_else(|e: DbError| panic!("{e}")).unwrap_or(0)
}

testing::both_engines!(
    a_model_follows_the_log,
    a_damaged_model_is_built_anew,
    events_that_come_during_a_replay_count_once,
    a_model_that_fails_says_why_and_goes_on,
    many_differences_are_put_in_place_a_few_at_a_time,
    a_replay_can_be_cancelled,
);

async fn a_model_follows_the_log(engine: Engine) {
    let mut p = TestPlatform::start(engine, &[CART]).await;
    for n in 0..30 {
        add(&p, 1, 20).await;
        if n % 10 == 0 {
            p.restart().await;
        }
    }
    p.settle().await;
    assert_eq!(total(&p).await, 600);
}

async fn a_damaged_model_is_built_anew(engine: Engine) {
    let p = TestPlatform::start(engine, &[CART]).await;
    for _ in 0..10 {
        add(&p, 1, 100).await;
    }
    p.settle().await;
    p.db("cart").write(|tx| tx.execute("UPDATE own.totals SET quantity = 5", &[])).await.unwrap();

    let replays = Replays::new(p.db("cart"), vec![TOTALS]);
    assert_eq!(replays.start("nonsense").await.unwrap(), None);
    let id = replays.start("totals").await.unwrap().unwrap();
    p.settle().await;
    assert_eq!(total(&p).await, 1_000);
    let replay = replays.get(id).await.unwrap().unwrap();
    assert_eq!((replay.status, replay.events, replay.position), (ReplayStatus::Done, 1_010, replay.target));
    assert!(replay.events_per_second() > 0.0);
    assert_eq!(replays.list().await.unwrap(), [replay]);
    assert_eq!(replays.get(Uuid::from_u128(1)).await.unwrap(), None);
}

async fn events_that_come_during_a_replay_count_once(engine: Engine) {
    let p = TestPlatform::start(engine, &[CART]).await;
    for _ in 0..10 {
        add(&p, 1, 100).await;
    }
    p.settle().await;
    let replays = Replays::new(p.db("cart"), vec![TOTALS]);
    for round in 0..5 {
        let id = replays.start("totals").await.unwrap().unwrap();
        add(&p, 1, 40).await;
        let again = replays.start("totals").await.unwrap().unwrap();
        let first = replays.get(id).await.unwrap().unwrap();
        assert!(again == id || first.status == ReplayStatus::Done, "round {round}: two at once");
        add(&p, 1, 10).await;
    }
    p.settle().await;
    assert_eq!(total(&p).await, 1_000 + 5 * 50);
}

async fn a_model_that_fails_says_why_and_goes_on(engine: Engine) {
    let p = TestPlatform::start(engine, &[CART]).await;
    add(&p, 1, 3).await;
    p.settle().await;
    // The table refuses less than nothing.
    add(&p, -10, 1).await;
    let replays = Replays::new(p.db("cart"), vec![TOTALS]);
    let id = replays.start("totals").await.unwrap().unwrap();
    eventually("the replay says why it does not go on", || async {
        replays.get(id).await.unwrap().is_some_and(|r| r.error.is_some() && r.status == ReplayStatus::Running)
    })
    .await;
    p.db("cart")
        .write(|tx| tx.execute("DELETE FROM own.events WHERE position = (SELECT MAX(position) FROM own.events)", &[]))
        .await
        .unwrap();
    add(&p, 4, 1).await;
    eventually("it goes on once it can", || async {
        replays.get(id).await.unwrap().is_some_and(|r| r.error.is_none() && r.status == ReplayStatus::Done)
    })
    .await;
    p.settle().await;
    assert_eq!(total(&p).await, 7);
}

/// A publisher whose model of its own log is written at once: what is in each cart, under a name that no other cart has.
const SHELF: ServiceDef = ServiceDef {
    migrations: &[Migration::new(
        "0001_shelf",
        "CREATE TABLE own.shelf (cart {id} PRIMARY KEY, quantity bigint NOT NULL, name text NOT NULL UNIQUE);
CREATE TABLE own.shelf_next (cart {id} PRIMARY KEY, quantity bigint NOT NULL, name text NOT NULL UNIQUE);",
    )],
    build: |_| Ok(Service { read_models: vec![ON_SHELF], ..Service::default() }),
    ..CART
};

const ON_SHELF: ReadModel = ReadModel {
    name: "shelf",
    kinds: &[],
    kept: Kept::AtOnce { tables: &[Table { name: "shelf", key: "cart", stream: "cart" }] },
    apply: |tx, envelope| {
        let added: CartItemAdded = envelope.decode().map_err(|e| DbError::Internal(e.to_string()))?;
        put(tx, &added)
    },
};

fn put(tx: &mut Tx, added: &CartItemAdded) -> Result<(), DbError> {
    let sql = "INSERT INTO own.shelf (cart, quantity, name) VALUES ($1, $2, $3) ON CONFLICT (cart) DO UPDATE SET quantity = own.shelf.quantity + excluded.quantity";
    tx.execute(sql, params![added.cart_id.0, added.quantity, added.cart_id.0.to_string()]).map(drop)
}

/// Adds one to each of these carts, in one transaction.
async fn fill(p: &TestPlatform, carts: std::ops::Range<u128>) {
    let filled = p.db("cart").write(move |tx| {
        carts.clone().try_for_each(|n| {
            let added = CartItemAdded { cart_id: CartId(Uuid::from_u128(n)), variant_id: VariantId(Uuid::from_u128(1)), quantity: 1 };
            put(tx, &added)?;
            tx.publish(added)
        })
    });
    filled.await.unwrap();
}

async fn change(p: &TestPlatform, sql: &'static str) {
    p.db("cart").write(move |tx| tx.execute(sql, &[])).await.unwrap_or_else(|e: DbError| panic!("{sql}: {e}"));
}

/// How many carts have which quantity, and how many are called after themselves.
async fn shelf(p: &TestPlatform) -> Vec<(i64, i64)> {
    let read = p.db("cart").read(|q| {
        let rows = q.rows("SELECT quantity, cart, name FROM own.shelf ORDER BY cart", &[])?;
        let mut counts = std::collections::BTreeMap::new();
        for row in &rows {
            let (quantity, cart, name): (i64, Uuid, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            *counts.entry(quantity).or_insert(0) += i64::from(name == cart.to_string());
        }
        Ok(counts.into_iter().collect())
    });
    read.await.unwrap_or_else(|e: DbError| panic!("{e}"))
}

const CARTS: u128 = 1_200;

async fn many_differences_are_put_in_place_a_few_at_a_time(engine: Engine) {
    let p = TestPlatform::start(engine, &[SHELF]).await;
    for n in 0..CARTS / 200 {
        fill(&p, n * 200 + 1..(n + 1) * 200 + 1).await;
    }
    change(&p, "UPDATE own.shelf SET quantity = 7").await;
    // Names that are at each other's places, far apart.
    for (cart, name) in [(1, "x".to_owned()), (CARTS, Uuid::from_u128(1).to_string()), (1, Uuid::from_u128(CARTS).to_string())] {
        let named = p
            .db("cart")
            .write(move |tx| tx.execute("UPDATE own.shelf SET name = $2 WHERE cart = $1", params![Uuid::from_u128(cart), name.as_str()]));
        named.await.unwrap_or_else(|e: DbError| panic!("{e}"));
    }
    let before = p.data().database.counts();
    let replays = Replays::new(p.db("cart"), vec![ON_SHELF]);
    let id = replays.start("shelf").await.unwrap().unwrap();
    fill(&p, 1..41).await;
    eventually("it is done", || async { replays.get(id).await.unwrap().is_some_and(|r| r.status == ReplayStatus::Done) }).await;
    fill(&p, 1..41).await;
    assert_eq!(shelf(&p).await, [(1, CARTS as i64 - 40), (3, 40)]);
    let done = p.data().database.counts().since(&before).total();
    assert!(done.transactions > CARTS as u64 / 50, "all in a few transactions: {}", done.transactions);
}

async fn a_replay_can_be_cancelled(engine: Engine) {
    let p = TestPlatform::start(engine, &[SHELF]).await;
    fill(&p, 1..2).await;
    change(&p, "UPDATE own.shelf SET quantity = 7").await;
    let said = p.db("cart").read(|q| q.row("SELECT data FROM own.events", &[])?.map_or(Ok(Json::Null), |r| r.get(0)));
    let said: Json = said.await.unwrap_or_else(|e: DbError| panic!("{e}"));
    change(&p, "UPDATE own.events SET data = '{}'").await;
    let replays = Replays::new(p.db("cart"), vec![ON_SHELF]);
    let id = replays.start("shelf").await.unwrap().unwrap();
    assert_eq!(replays.cancel(id).await, Ok(Cancelled::Now));
    assert_eq!(replays.cancel(id).await, Ok(Cancelled::Now), "twice is once");
    assert_eq!(replays.get(id).await.unwrap().unwrap().status, ReplayStatus::Cancelled);
    assert_eq!(shelf(&p).await, [(7, 1)], "the model is as it was");
    assert_eq!(replays.cancel(Uuid::from_u128(1)).await, Ok(Cancelled::Missing));

    let mended = p.db("cart").write(move |tx| tx.execute("UPDATE own.events SET data = $1", params![said.clone()]));
    mended.await.unwrap_or_else(|e: DbError| panic!("{e}"));
    let next = replays.start("shelf").await.unwrap().unwrap();
    eventually("the next one is done", || async { replays.get(next).await.unwrap().is_some_and(|r| r.status == ReplayStatus::Done) }).await;
    assert_eq!((shelf(&p).await, replays.cancel(next).await), (vec![(1, 1)], Ok(Cancelled::Over)));
}

#[test]
fn a_replay_that_fails_for_one_reason_again_and_again_is_given_up() {
    testing::run_in_virtual_time(async {
        let p = TestPlatform::start_on(Data::in_memory(), &[SHELF], json!({})).await;
        fill(&p, 1..11).await;
        change(&p, "UPDATE own.events SET data = '{}'").await;
        let replays = Replays::new(p.db("cart"), vec![ON_SHELF]);
        let id = replays.start("shelf").await.unwrap().unwrap();
        let over = async || replays.get(id).await.unwrap().unwrap();
        let patience = tokio::time::timeout(std::time::Duration::from_secs(3_600), async {
            while over().await.status == ReplayStatus::Running {
                eventually("it says why", || async { over().await.error.is_some() }).await;
                tokio::time::advance(std::time::Duration::from_secs(1)).await;
            }
        });
        assert!(patience.await.is_ok(), "it is tried for ever");
        assert_eq!((over().await.status, shelf(&p).await), (ReplayStatus::Failed, vec![(1, 10)]));
    });
}
