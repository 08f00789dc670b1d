//! Publisher and subscriber in different processes: what the subscriber finds is the same as in one.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use contracts::events::cart::CartItemAdded;
use contracts::proto::log::ReadRequest;
use contracts::proto::log::log_client::LogClient;
use contracts::{CartId, VariantId};
use kit::service::Shared;
use kit::tasks::Threads;
use kit::{Choice, Clock, DbError, Ids, Platform, Service, ServiceDef, Settings, Tasks};
use testing::{Data, Engine, eventually};
use tokio::net::TcpListener;
use tonic::Code;
use utoipa::openapi::OpenApiBuilder;
use uuid::Uuid;

use crate::readers::TALLY;

const MASTER_KEY: [u8; 32] = [9; 32];

/// Publishes what [`TALLY`] reads.
const CART: ServiceDef = empty("cart", &[]);
/// Calls the publisher, and reads nothing of it.
const STRANGER: ServiceDef = empty("stranger", &["cart"]);

const fn empty(name: &'static str, calls: &'static [&'static str]) -> ServiceDef {
    ServiceDef {
        name,
        migrations: &[],
        calls,
        reads: &[],
        describe: || (Vec::new(), OpenApiBuilder::new().build()),
        check_config: |_| Ok(()),
        build: |_| Ok(Service::default()),
    }
}

async fn start(data: &Data, only: &[&str], remote: Option<(&str, SocketAddr)>) -> Platform {
    let settings = Settings {
        database: data.database.clone(),
        clock: Clock::system(),
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
    let guard = kit::serve::Guard::new(&platform.directory, &MASTER_KEY, &Clock::system(), &platform.tasks);
    platform.tasks.spawn(kit::serve::internal(listener, guard));
    platform
}

async fn add(publisher: &Platform, cart: u128, quantity: i64) {
    let event = move || CartItemAdded { cart_id: CartId(Uuid::from_u128(cart)), variant_id: VariantId(Uuid::from_u128(1)), quantity };
    publisher.env("cart").unwrap().db.write(move |tx| tx.publish(event())).await.unwrap();
}

async fn effects(subscriber: &Platform) -> Vec<i64> {
    let rows = |q: &mut kit::Query| q.rows("SELECT quantity FROM own.effects ORDER BY n", &[])?.iter().map(|r| r.get(0)).collect();
    subscriber.env("tally").unwrap().db.read(rows).await.unwrap_or_else(|e: DbError| panic!("{e}"))
}

testing::both_engines!(events_cross_processes_once_and_in_order);

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
        stranger.stop().await;
        publisher.stop().await;
    });
}
