//! What earlier versions wrote is read by the present one: by who loads a stream, by who reads the log, by a replay.

use contracts::{Event, declare_events, event_set};
use kit::events::{Kept, ReadModel, ReplayStatus, Replays, dead_letters};
use kit::{Aggregate, BuildError, Consumer, Db, DbError, Env, Migration, Service, ServiceDef, Tx, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform, eventually};
use utoipa::openapi::OpenApiBuilder;
use uuid::Uuid;

/// The service as it was at first: it counts whole litres.
mod first {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    pub struct Drawn {
        pub meter: Uuid,
        pub litres: i64,
    }

    declare_events! { "meter"; Drawn = "meter.drawn" v 1 by meter }
    event_set! { DrawnOnly { Drawn(Drawn) } }

    #[derive(Clone, Default, Serialize, Deserialize)]
    pub struct Meter {
        litres: i64,
    }

    impl Aggregate for Meter {
        type Event = DrawnOnly;
        const SNAPSHOT: i64 = 1;
        fn evolve(&mut self, DrawnOnly::Drawn(drawn): &DrawnOnly) {
            self.litres += drawn.litres;
        }
    }
}

/// As it was then: in finer steps.
mod second {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    pub struct Drawn {
        pub meter: Uuid,
        pub millilitres: i64,
    }

    declare_events! { "meter"; Drawn = "meter.drawn" v 2 by meter upcast to_second }
    event_set! { DrawnOnly { Drawn(Drawn) } }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct Meter {
        pub millilitres: i64,
    }

    impl Aggregate for Meter {
        type Event = DrawnOnly;
        const SNAPSHOT: i64 = 2;
        fn evolve(&mut self, DrawnOnly::Drawn(drawn): &DrawnOnly) {
            self.millilitres += drawn.millilitres;
        }
    }
}

/// As it is: it also says what was drawn, and how often anything was.
mod present {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    pub struct Drawn {
        pub meter: Uuid,
        pub amount: Amount,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    pub struct Amount {
        pub millilitres: i64,
        pub of: String,
    }

    declare_events! { "meter"; Drawn = "meter.drawn" v 3 by meter upcast to_present }
    event_set! { DrawnOnly { Drawn(Drawn) } }

    /// It could be read from a snapshot of the second version, which lacks a number.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    pub struct Meter {
        pub millilitres: i64,
        pub times: i64,
    }

    impl Aggregate for Meter {
        type Event = DrawnOnly;
        const SNAPSHOT: i64 = 3;
        fn evolve(&mut self, DrawnOnly::Drawn(drawn): &DrawnOnly) {
            self.millilitres += drawn.amount.millilitres;
            self.times += 1;
        }
    }
}

fn to_second(version: i64, data: Json) -> Json {
    match version {
        1 => json!({"meter": data["meter"], "millilitres": data["litres"].as_i64().map(|litres| litres * 1_000)}),
        _ => data,
    }
}

/// One step after the other.
fn to_present(version: i64, data: Json) -> Json {
    let second = to_second(version, data);
    json!({"meter": second["meter"], "amount": {"millilitres": second["millilitres"], "of": "water"}})
}

/// The publisher, with a model of its own log.
const METER: ServiceDef = ServiceDef {
    name: "meter",
    migrations: &[Migration::new("0001_drawn", "CREATE TABLE own.drawn (n {serial}, what text NOT NULL, millilitres bigint NOT NULL);")],
    calls: &[],
    reads: &[],
    describe: || (Vec::new(), OpenApiBuilder::new().build()),
    keys: Vec::new,
    sealed: None,
    check_config: |_| Ok(()),
    build: |_| Ok(Service { read_models: vec![DRAWN], ..Service::default() }),
};

const DRAWN: ReadModel = ReadModel {
    name: "drawn",
    kinds: &["meter.drawn"],
    kept: Kept::Behind { reset: |tx| tx.execute("DELETE FROM own.drawn", &[]).map(drop) },
    apply: |tx, envelope| {
        let drawn = envelope.decode().map_err(|e| DbError::Internal(e.to_string()))?;
        write_down(tx, &drawn)
    },
};

/// Two subscribers: one of the present version, and one that was left at the second.
const READERS: [ServiceDef; 2] = [
    ServiceDef {
        name: "reader",
        reads: &["meter"],
        build: |env| read_with(env, Consumer::on(|tx, drawn, _| Ok(write_down(tx, drawn)?))),
        ..METER
    },
    ServiceDef {
        name: "behind",
        reads: &["meter"],
        build: |env| read_with(env, Consumer::on(|tx: &mut Tx, drawn: &second::Drawn, _| Ok(note(tx, "?", drawn.millilitres)?))),
        ..METER
    },
];

fn read_with(_: Env, consumer: Consumer) -> Result<Service, BuildError> {
    Ok(Service { consumers: vec![consumer], ..Service::default() })
}

fn write_down(tx: &mut Tx, drawn: &present::Drawn) -> Result<(), DbError> {
    note(tx, &drawn.amount.of, drawn.amount.millilitres)
}

fn note(tx: &mut Tx, what: &str, millilitres: i64) -> Result<(), DbError> {
    tx.execute("INSERT INTO own.drawn (what, millilitres) VALUES ($1, $2)", params![what, millilitres]).map(drop)
}

/// What a service has written down.
async fn drawn(db: Db) -> Vec<(String, i64)> {
    let read = db.read(|q| {
        let rows = q.rows("SELECT what, millilitres FROM own.drawn ORDER BY n", &[])?;
        rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
    });
    read.await.unwrap_or_else(|e: DbError| panic!("{e}"))
}

const ID: Uuid = Uuid::from_u128(1);

/// Each version writes to one meter, over what those before it have written.
async fn write_with_each_version(db: &Db) {
    let written = db.write(|tx| {
        let two_and_three = [2, 3].map(|litres| first::Drawn { meter: ID, litres }.into());
        tx.create::<first::Meter>(ID, two_and_three).map(drop)
    });
    written.await.unwrap_or_else(|e: DbError| panic!("{e}"));
    let written = db.write(|tx| {
        let mut meter = tx.load::<second::Meter>(ID)?.unwrap();
        assert_eq!(meter.state, second::Meter { millilitres: 5_000 });
        tx.save(&mut meter, [second::Drawn { meter: ID, millilitres: 400 }.into()])
    });
    written.await.unwrap_or_else(|e: DbError| panic!("{e}"));
    let written = db.write(|tx| {
        let mut meter = tx.load::<present::Meter>(ID)?.unwrap();
        assert_eq!((meter.version, &meter.state), (3, &present::Meter { millilitres: 5_400, times: 3 }));
        let amount = present::Amount { millilitres: 50, of: "milk".into() };
        tx.save(&mut meter, [present::Drawn { meter: ID, amount }.into()])
    });
    written.await.unwrap_or_else(|e: DbError| panic!("{e}"));
}

async fn load(db: &Db) -> present::Meter {
    let read = db.read(|q| q.load::<present::Meter>(ID)).await;
    read.unwrap().unwrap().state
}

/// What [`write_with_each_version`] comes to.
fn all_of_it() -> Vec<(String, i64)> {
    [("water", 2_000), ("water", 3_000), ("water", 400), ("milk", 50)].map(|(what, amount)| (what.to_owned(), amount)).to_vec()
}

testing::both_engines!(
    streams_are_folded_over_all_versions,
    readers_and_replays_take_all_versions,
    snapshots_of_another_shape_are_left_aside,
    a_reader_leaves_what_is_newer_than_itself_to_its_operator,
);

async fn streams_are_folded_over_all_versions(engine: Engine) {
    let p = TestPlatform::start(engine, &[METER]).await;
    let db = p.db("meter");
    write_with_each_version(&db).await;
    let whole = present::Meter { millilitres: 5_450, times: 4 };
    assert_eq!(load(&db).await, whole);
    let stored = db.read(|q| {
        let rows = q.rows("SELECT schema_version FROM own.events ORDER BY position", &[])?;
        rows.iter().map(|r| r.get(0)).collect::<Result<Vec<i64>, DbError>>()
    });
    assert_eq!(stored.await.unwrap(), [1, 1, 2, 3], "what lies in the log is not rewritten");
    let declared = [first::descriptions(), second::descriptions(), present::descriptions()];
    assert_eq!(declared.map(|events| events[0].version), [1, 2, 3]);
    // Without the snapshot: from the first event on.
    db.write(|tx| tx.execute("UPDATE own.streams SET snapshot = NULL", &[])).await.unwrap_or_else(|e: DbError| panic!("{e}"));
    assert_eq!(load(&db).await, whole);
}

async fn readers_and_replays_take_all_versions(engine: Engine) {
    let p = TestPlatform::start(engine, &[METER, READERS[0]]).await;
    write_with_each_version(&p.db("meter")).await;
    p.settle().await;
    assert_eq!(drawn(p.db("reader")).await, all_of_it());
    assert_eq!(drawn(p.db("meter")).await, all_of_it());
    let damaged = p.db("meter").write(|tx| tx.execute("DELETE FROM own.drawn WHERE millilitres < 3000", &[]));
    assert_eq!(damaged.await, Ok::<_, DbError>(3));
    let replays = Replays::new(p.db("meter"), vec![DRAWN]);
    let id = replays.start("drawn").await.unwrap().unwrap();
    eventually("it is built anew", || async { replays.get(id).await.unwrap().is_some_and(|r| r.status == ReplayStatus::Done) }).await;
    assert_eq!(drawn(p.db("meter")).await, all_of_it());
}

async fn snapshots_of_another_shape_are_left_aside(engine: Engine) {
    let p = TestPlatform::start(engine, &[METER]).await;
    let db = p.db("meter");
    write_with_each_version(&db).await;
    let folded = present::Meter { millilitres: 5_450, times: 4 };
    let kept = present::Meter { millilitres: 7, times: 7 };
    let cases = [
        (json!({"millilitres": 7, "times": 7}), 2, &folded),
        (json!({"millilitres": 7, "times": 7}), 4, &folded),
        (json!({"millilitres": "seven"}), 3, &folded),
        // It is used where it is of the present shape: the others were not passed over by chance.
        (json!({"millilitres": 7, "times": 7}), 3, &kept),
    ];
    for (snapshot, version, expected) in cases {
        let given = snapshot.to_string();
        let put =
            db.write(move |tx| tx.execute("UPDATE own.streams SET snapshot = $1, snapshot_schema = $2", params![given.as_str(), version]));
        assert_eq!(put.await, Ok::<_, DbError>(1));
        assert_eq!(load(&db).await, *expected, "{snapshot} of version {version}");
    }
}

async fn a_reader_leaves_what_is_newer_than_itself_to_its_operator(engine: Engine) {
    let p = TestPlatform::start(engine, &[METER, READERS[1]]).await;
    write_with_each_version(&p.db("meter")).await;
    p.settle().await;
    let known = [2_000, 3_000, 400].map(|amount| ("?".to_owned(), amount));
    assert_eq!(drawn(p.db("behind")).await, known);
    let letters = p.db("behind").read(|q| dead_letters::list(q, 10, None)).await.unwrap();
    let said: Vec<_> = letters.iter().map(|l| (l.sequence, l.error.as_str())).collect();
    assert_eq!(said, [(4, "event type meter.drawn has no version 3 here")]);
    assert_eq!(<present::Drawn as Event>::VERSION, 3);
}
