//! The platform refuses what cannot work, before it opens anything.

use std::collections::BTreeMap;

use kit::jobs::{JobDef, JobOutcome};
use kit::service::Shared;
use kit::tasks::Threads;
use kit::{Choice, Clock, DbError, Ids, Platform, Service, ServiceDef, Settings, Tasks};
use serde_json::{Value as Json, json};
use testing::{Data, Engine};
use tokio::sync::Notify;
use utoipa::openapi::OpenApiBuilder;

const fn service(name: &'static str, calls: &'static [&'static str], reads: &'static [&'static str]) -> ServiceDef {
    ServiceDef {
        name,
        migrations: &[],
        calls,
        reads,
        describe: || (Vec::new(), OpenApiBuilder::new().build()),
        keys: Vec::new,
        sealed: None,
        check_config: |section| if section.get("wrong").is_some() { Err("unknown field `wrong`".into()) } else { Ok(()) },
        build: |_| Ok(Service::default()),
    }
}

async fn start(data: &Data, defs: &[ServiceDef], choice: Choice<'_>, config: Json, remotes: &[(&str, &str)]) -> Result<Platform, String> {
    let settings = Settings {
        database: data.database.clone(),
        clock: Clock::system(),
        ids: Ids::random(),
        tasks: Tasks::new(Threads::Pool),
        config,
        shared: Shared {
            public_url: "http://haat.test".into(),
            development: true,
            master_key: [7; 32],
            trusted_proxies: Vec::new(),
            limits_factor: None,
            timeout_percent: 100,
        },
        remotes: remotes.iter().map(|(name, address)| ((*name).to_owned(), (*address).to_owned())).collect::<BTreeMap<_, _>>(),
    };
    Platform::start(defs, choice, settings).await.map_err(|e| e.to_string())
}

#[test]
fn what_cannot_work_is_refused_by_name() {
    const SHOP: ServiceDef = service("shop", &["stock"], &["stock"]);
    const STOCK: ServiceDef = service("stock", &[], &[]);
    const CIRCLE: [ServiceDef; 3] = [service("a", &["b"], &[]), service("b", &["c"], &[]), service("c", &["b"], &[])];
    const CALLER: ServiceDef = service("caller", &["stock"], &[]);
    let only = |names: &'static [&'static str]| Choice::Only(names);
    testing::run(async move {
        let data = Data::fresh(Engine::Sqlite);
        let cases: Vec<(&[ServiceDef], Choice, Json, &str)> = vec![
            (&[STOCK, STOCK], Choice::All, json!({}), "two services are called stock"),
            (&[STOCK], only(&["stok"]), json!({}), "there is no service stok: expected one of stock"),
            (&[CALLER], Choice::All, json!({}), "caller calls stock, which is not declared"),
            (&[SHOP, STOCK], only(&["shop"]), json!({}), "shop reads the events of stock, which does not run here"),
            (&[CALLER, STOCK], only(&["caller"]), json!({}), "caller calls stock, which does not run here and has no address"),
            (&[STOCK], Choice::All, json!({"stok": {}}), "there is no service stok"),
            (&[STOCK], Choice::All, json!({"stock": {"wrong": 1}}), "configuration of stock: unknown field `wrong`"),
            (&CIRCLE, Choice::All, json!({}), "services call each other in a circle: b → c → b"),
        ];
        for (defs, choice, config, expected) in cases {
            let refused = start(&data, defs, choice, config, &[]).await.err().unwrap_or_default();
            assert!(refused.starts_with(expected), "expected {expected:?}, found {refused:?}");
        }
    });
}

#[test]
fn a_service_with_an_address_need_not_run_here() {
    testing::run(async {
        let data = Data::fresh(Engine::Sqlite);
        let defs = [service("caller", &["stock"], &[]), service("stock", &[], &[])];
        // What is wrong for stock alone does not keep others from starting.
        let config = json!({"stock": {"wrong": 1}});
        let platform = start(&data, &defs, Choice::Only(&["caller"]), config, &[("stock", "http://10.0.0.2:7000")]).await.unwrap();
        assert_eq!(platform.services().collect::<Vec<_>>(), ["caller"]);
        assert_eq!(platform.directory.remote("stock").as_deref(), Some("http://10.0.0.2:7000"));
        assert_eq!(platform.directory.services(), ["caller", "stock"], "declared ones are known wherever they run");
        platform.stop().await;
    });
}

#[test]
fn jobs_that_wait_for_strangers_hold_up_no_others() {
    static RAN: Notify = Notify::const_new();
    fn jobs() -> Vec<JobDef> {
        let stuck = JobDef::queued("stuck", |_| std::future::pending()).apart();
        let quick = JobDef::queued("quick", |_| async {
            RAN.notify_one();
            JobOutcome::Done
        });
        vec![stuck, quick]
    }
    testing::run(async move {
        let data = Data::fresh(Engine::Sqlite);
        let shop = ServiceDef { build: |_| Ok(Service { jobs: jobs(), ..Service::default() }), ..service("shop", &[], &[]) };
        let platform = start(&data, &[shop], Choice::All, json!({}), &[]).await.unwrap();
        let queued = platform.env("shop").unwrap().db.write(|tx| {
            let now = tx.now();
            (0..40).try_for_each(|n| kit::jobs::queue(tx, "stuck", &n.to_string(), Json::Null, now))?;
            kit::jobs::queue(tx, "quick", "1", Json::Null, now)
        });
        queued.await.unwrap_or_else(|e: DbError| panic!("{e}"));
        RAN.notified().await;
        platform.crash().await;
    });
}

#[test]
fn a_subscriber_that_has_read_what_was_never_written_is_named() {
    testing::run(async {
        let data = Data::fresh(Engine::Sqlite);
        let defs = [service("shop", &[], &[]), service("stock", &[], &["shop"])];
        let platform = start(&data, &defs, Choice::All, json!({}), &[]).await.unwrap();
        let moved = platform.env("stock").unwrap().db.write(|tx| {
            let now = tx.now();
            tx.execute("INSERT INTO own.readers (source, position, paused, updated_at) VALUES ('shop', 7, NULL, $1)", kit::params![now])
        });
        moved.await.unwrap_or_else(|e: DbError| panic!("{e}"));
        platform.stop().await;
        let refused = start(&data, &defs, Choice::All, json!({}), &[]).await.err().unwrap_or_default();
        assert!(refused.starts_with("stock has read the events of shop up to 7, but they end at 0"), "{refused}");
        assert!(refused.contains("docs/operations/backup.md"), "{refused}");
        let alone = start(&data, &defs, Choice::Only(&["shop"]), json!({}), &[]).await.unwrap();
        alone.stop().await;
    });
}
