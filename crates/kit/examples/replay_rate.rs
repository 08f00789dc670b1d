//! How fast events are folded, and taken into an SQL read model: `cargo run --release -p kit --example replay_rate`.

use contracts::events::cart::{CartItemAdded, CartItemRemoved};
use contracts::{CartId, EventSet, VariantId};
use kit::events::{Aggregate, Kept, ReadModel, ReplayStatus, Replays, after};
use kit::{BuildError, DbError, Env, Migration, Service, ServiceDef, params};
use serde::{Deserialize, Serialize};
use testing::{Engine, TestPlatform};
use tokio::time::Instant;
use utoipa::openapi::OpenApiBuilder;
use uuid::Uuid;

const EVENTS: usize = 200_000;
const CARTS: usize = 2_000;

contracts::event_set! {
    /// What happens to a cart here.
    CartEvent { Added(CartItemAdded), Removed(CartItemRemoved) }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Cart {
    quantity: i64,
}

impl Aggregate for Cart {
    type Event = CartEvent;
    const SNAPSHOT: i64 = 1;
    fn evolve(&mut self, event: &CartEvent) {
        match event {
            CartEvent::Added(e) => self.quantity += e.quantity,
            CartEvent::Removed(_) => self.quantity = 0,
        }
    }
}

const CART: ServiceDef = ServiceDef {
    name: "cart",
    migrations: &[Migration::new("0001_totals", "CREATE TABLE own.totals (cart {id} PRIMARY KEY, quantity bigint NOT NULL);")],
    calls: &[],
    reads: &[],
    describe: || (Vec::new(), OpenApiBuilder::new().build()),
    keys: Vec::new,
    sealed: None,
    check_config: |_| Ok(()),
    build: |_: Env| -> Result<Service, BuildError> { Ok(Service { read_models: vec![TOTALS], ..Service::default() }) },
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

fn main() {
    testing::run(async {
        let p = TestPlatform::start(Engine::Sqlite, &[CART]).await;
        write_log(&p).await;
        fold(&p).await;
        replay(&p).await;
    });
}

async fn write_log(p: &TestPlatform) {
    let begun = Instant::now();
    for chunk in 0..EVENTS / 500 {
        let written = p.db("cart").write(move |tx| {
            (0..500).try_for_each(|n| {
                let cart_id = CartId(Uuid::from_u128(((chunk * 500 + n) % CARTS) as u128));
                tx.publish(CartItemAdded { cart_id, variant_id: VariantId(Uuid::from_u128(1)), quantity: 1 })
            })
        });
        written.await.expect("the log can be written");
    }
    say("written in transactions of 500", begun);
}

/// Decodes the events of the log and folds them, with nothing of the database in the measured part.
async fn fold(p: &TestPlatform) {
    let begun = Instant::now();
    let log = p.db("cart").read(|q| after(q, 0, EVENTS as i64)).await.expect("the log can be read");
    say("read from the log", begun);
    let begun = Instant::now();
    let mut carts = vec![Cart::default(); CARTS];
    for envelope in log {
        let slot = (envelope.stream.as_u128() as usize) % CARTS;
        let event = CartEvent::decode(&envelope.kind, envelope.schema_version, &envelope.data).expect("it was written a moment ago");
        carts[slot].evolve(&event);
    }
    say("decoded and folded", begun);
    assert_eq!(carts.iter().map(|c| c.quantity).sum::<i64>(), EVENTS as i64);
}

async fn replay(p: &TestPlatform) {
    p.settle().await;
    let replays = Replays::new(p.db("cart"), vec![TOTALS]);
    let id = replays.start("totals").await.expect("nobody else uses the database").expect("the service has this model");
    loop {
        let replay = replays.get(id).await.expect("nobody else uses the database").expect("it was started above");
        if replay.status == ReplayStatus::Done {
            println!("{:>12.0} events/s taken into an SQL read model", replay.events_per_second());
            return;
        }
        tokio::time::sleep(tokio::time::Duration::from_millis(20)).await;
    }
}

fn say(what: &str, begun: Instant) {
    println!("{:>12.0} events/s {what}", EVENTS as f64 / begun.elapsed().as_secs_f64());
}
