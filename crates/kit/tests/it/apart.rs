//! Publisher and subscriber in different processes: what the subscriber finds is the same as in one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use contracts::events::cart::CartItemAdded;
use contracts::proto::log::log_client::LogClient;
use contracts::proto::log::{PositionRequest, ReadRequest};
use contracts::{CartId, VariantId};
use kit::events::LogKept;
use kit::service::Shared;
use kit::tasks::Threads;
use kit::{Choice, Clock, Db, DbError, Ids, Platform, Service, ServiceDef, Settings, Tasks};
use testing::{Data, Engine, eventually};
use tokio::net::TcpListener;
use tonic::Code;
use utoipa::openapi::OpenApiBuilder;
use uuid::Uuid;

use crate::readers::TALLY;

const MASTER_KEY: [u8; 32] = [9; 32];

/// Publishes what [`TALLY`] reads.
const CART: ServiceDef = ServiceDef { build: |_| Ok(Service { log: LogKept::Days(30), ..Service::default() }), ..empty("cart", &[]) };
/// Calls the publisher, and reads nothing of it.
const STRANGER: ServiceDef = empty("stranger", &["cart"]);

const fn empty(name: &'static str, calls: &'static [&'static str]) -> ServiceDef {
    ServiceDef {
        name,
        migrations: &[],
        calls,
        reads: &[],
        describe: || (Vec::new(), OpenApiBuilder::new().build()),
        keys: Vec::new,
        sealed: None,
        check_config: |_| Ok(()),
        build: |_| Ok(Service::default()),
    }
}

async fn start(data: &Data, only: &[&str], remote: Option<(&str, SocketAddr)>) -> Platform {
    start_at(data, only, remote, &Clock::system()).await
}

async fn start_at(data: &Data, only: &[&str], remote: Option<(&str, SocketAddr)>, clock: &Clock) -> Platform {
    let settings = Settings {
        database: data.database.clone(),
        clock: clock.clone(),
        ids: Ids::random(),
        tasks: Tasks::new(Threads::Pool),
        config: serde_json::json!({}),
        shared: Shared {
            public_url: "http://haat.test".into(),
            development: true,
            master_key: MASTER_KEY,
            trusted_proxies: Vec::new(),
            limits_factor: None,
            timeout_percent: 100,
        },
        remotes: remote.map(|(name, at)| (name.to_owned(), format!("http://{at}"))).into_iter().collect::<BTreeMap<_, _>>(),
    };
    Platform::start(&[CART, TALLY, STRANGER], Choice::Only(only), settings).await.unwrap()
}

/// A publisher that answers other processes at `listener`.
async fn publisher(data: &Data, listener: TcpListener) -> Platform {
    let platform = start(data, &["cart"], None).await;
    answer(&platform, listener, &Clock::system());
    platform
}

/// Lets other processes call the services of this one.
fn answer(platform: &Platform, listener: TcpListener, clock: &Clock) {
    let guard = kit::serve::Guard::new(&platform.directory, &MASTER_KEY, clock, &platform.tasks);
    platform.tasks.spawn(kit::serve::internal(listener, guard));
}

async fn add(publisher: &Platform, cart: u128, quantity: i64) {
    let event = move || CartItemAdded { cart_id: CartId(Uuid::from_u128(cart)), variant_id: VariantId(Uuid::from_u128(1)), quantity };
    publisher.env("cart").unwrap().db.write(move |tx| tx.publish(event())).await.unwrap();
}

async fn effects(subscriber: &Platform) -> Vec<i64> {
    let rows = |q: &mut kit::Query| q.rows("SELECT quantity FROM own.effects ORDER BY n", &[])?.iter().map(|r| r.get(0)).collect();
    subscriber.env("tally").unwrap().db.read(rows).await.unwrap_or_else(|e: DbError| panic!("{e}"))
}

testing::both_engines!(events_cross_processes_once_and_in_order, a_log_is_kept_until_other_processes_have_read_it);

async fn events_cross_processes_once_and_in_order(engine: Engine) {
    let (here, there) = (Data::fresh(engine), Data::fresh(engine));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let first = publisher(&there, listener).await;
    for quantity in 1..=300 {
        add(&first, 7, quantity).await;
    }
    let subscriber = start(&here, &["tally"], Some(("cart", at))).await;
    let arrived = |count: i64| {
        let subscriber = &subscriber;
        eventually("all events took effect", move || async move { effects(subscriber).await.len() as i64 == count })
    };
    arrived(300).await;
    add(&first, 8, 301).await;
    arrived(301).await;

    // The publisher goes away and comes back; nothing is lost and nothing comes twice.
    first.crash().await;
    let second = publisher(&there, TcpListener::bind(at).await.unwrap()).await;
    add(&second, 7, 302).await;
    arrived(302).await;
    assert_eq!(effects(&subscriber).await, (1..=302).collect::<Vec<_>>());
    subscriber.stop().await;
    second.stop().await;
}

async fn a_log_is_kept_until_other_processes_have_read_it(engine: Engine) {
    let (here, there) = (Data::fresh(engine), Data::fresh(engine));
    let (mine, theirs) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let (my_address, their_address) = (mine.local_addr().unwrap(), theirs.local_addr().unwrap());
    drop(theirs);
    let shift_us = Arc::new(AtomicI64::new(0));
    let clock = Clock::shifted(shift_us.clone());
    let publisher = start_at(&here, &["cart"], Some(("tally", their_address)), &clock).await;
    answer(&publisher, mine, &clock);
    for quantity in 1..=20 {
        add(&publisher, 7, quantity).await;
    }
    shift_us.store(40 * 24 * 3_600 * 1_000_000, Ordering::SeqCst);
    publisher.wake();
    let db = publisher.env("cart").unwrap().db.clone();
    eventually("nobody can be asked, and so nothing is forgotten", || async {
        let (attempts, events) = pruned(&db).await;
        assert_eq!(events, 20);
        attempts > 0
    })
    .await;

    let subscriber = start_at(&there, &["tally"], Some(("cart", my_address)), &clock).await;
    answer(&subscriber, TcpListener::bind(their_address).await.unwrap(), &clock);
    eventually("what was read is forgotten, but for the newest", || async { pruned(&db).await.1 == 1 }).await;
    assert_eq!(effects(&subscriber).await, (1..=20).collect::<Vec<_>>());
    add(&publisher, 7, 21).await;
    eventually("it goes on", || async { effects(&subscriber).await.len() == 21 }).await;
    subscriber.stop().await;
    publisher.stop().await;
}

/// How often forgetting has failed, and how many events there are.
async fn pruned(db: &Db) -> (i64, i64) {
    let read = |q: &mut kit::Query| {
        let job = q.row("SELECT attempts FROM own.jobs WHERE kind = 'kit.prune'", &[])?.map_or(Ok(0), |r| r.get(0))?;
        Ok::<_, DbError>((job, q.row("SELECT COUNT(*) FROM own.events", &[])?.map_or(Ok(0), |r| r.get(0))?))
    };
    db.read(read).await.unwrap()
}

#[test]
fn a_log_is_shown_to_those_who_declare_that_they_read_it() {
    testing::run(async {
        let (here, there) = (Data::fresh(Engine::Sqlite), Data::fresh(Engine::Sqlite));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let publisher = publisher(&there, listener).await;
        let stranger = start(&here, &["stranger"], Some(("cart", at))).await;
        let channel = stranger.env("stranger").unwrap().channel("cart").unwrap();
        let refused = LogClient::new(channel).read(ReadRequest { position: 0, limit: 1 }).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
        let channel = stranger.env("stranger").unwrap().channel("cart").unwrap();
        let refused = LogClient::new(channel).position(PositionRequest { source: "stranger".into() }).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "only those whose log it reads ask how far it is: {refused}");
        stranger.stop().await;
        publisher.stop().await;
    });
}
