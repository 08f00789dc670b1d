//! Read models follow the log and can be built anew from it, while events keep coming.

use contracts::events::cart::{CartItemAdded, CartItemRemoved};
use contracts::{CartId, VariantId};
use kit::events::{Kept, ReadModel, ReplayStatus, Replays};
use kit::{BuildError, DbError, Env, Migration, Service, ServiceDef, params};
use testing::{Engine, TestPlatform, eventually};
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
