//! What a log forgets, and what it keeps.

use contracts::proto::log::PositionRequest;
use contracts::proto::log::log_client::LogClient;
use kit::events::LogKept;
use kit::{DbError, Service, ServiceDef};
use testing::{Engine, TestPlatform};
use utoipa::openapi::OpenApiBuilder;

use crate::readers::{TALLY, cart, effects, publish};

const DAY_SECONDS: i64 = 24 * 3_600;

/// Publishes what [`TALLY`] reads, and keeps it for thirty days.
const CART: ServiceDef = ServiceDef {
    name: "cart",
    migrations: &[],
    calls: &["tally"],
    reads: &[],
    describe: || (Vec::new(), OpenApiBuilder::new().build()),
    keys: Vec::new,
    sealed: None,
    check_config: |_| Ok(()),
    build: |_| Ok(Service { log: LogKept::Days(30), ..Service::default() }),
};

testing::both_engines!(what_is_old_and_read_is_forgotten);

async fn positions(p: &TestPlatform) -> Vec<i64> {
    let read = p.db("cart").read(|q| q.rows("SELECT position FROM own.events ORDER BY position", &[])?.iter().map(|r| r.get(0)).collect());
    read.await.unwrap_or_else(|e: DbError| panic!("{e}"))
}

async fn what_is_old_and_read_is_forgotten(engine: Engine) {
    let mut p = TestPlatform::start(engine, &[CART, TALLY]).await;
    publish(&p, vec![cart(1); 300], 1).await;
    publish(&p, vec![cart(1); 300], 2).await;
    p.advance_seconds(29 * DAY_SECONDS);
    publish(&p, vec![cart(2)], 3).await;
    p.settle().await;
    assert_eq!(positions(&p).await.len(), 601, "nothing is thirty days old");
    p.advance_seconds(2 * DAY_SECONDS);
    p.settle().await;
    let kept = positions(&p).await;
    assert_eq!(kept.len(), 1);
    let asked = LogClient::new(p.channel("tally")).position(PositionRequest { source: "cart".into() }).await;
    assert_eq!(asked.unwrap().into_inner().position, kept[0]);

    p.advance_seconds(40 * DAY_SECONDS);
    p.settle().await;
    assert_eq!(positions(&p).await, kept, "the newest says how far the log goes");
    p.restart().await;
    publish(&p, vec![cart(1)], 4).await;
    p.settle().await;
    let told = effects(&p, cart(1)).await;
    assert_eq!((told.len(), told.last()), (601, Some(&4)), "a stream goes on where it was");
}
