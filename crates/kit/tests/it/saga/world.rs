//! A sample saga with everything a saga may have, in a service of its own, beside a callee.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contracts::Time;
use kit::db::{Counts, Database, Dialect, Disk, Fate, Flush, Image, migrate};
use kit::saga::{Definition, Outcome, Run, Sagas, Status, Step};
use kit::tasks::Threads;
use kit::{Clock, Db, DbError, Ids, Migration, Tasks, Tx, params};
use serde_json::{Value as Json, json};
use testing::{Data, Engine};
use tokio::sync::watch;
use uuid::Uuid;

use super::callee::{self, Callee};

const MIGRATIONS: &[Migration] = &[Migration::new(
    "0001_marks",
    "CREATE TABLE own.marks (saga {id} NOT NULL, name text NOT NULL, times bigint NOT NULL, PRIMARY KEY (saga, name));\n",
)];

/// What a test may choose of the sample saga.
#[derive(Clone, Copy)]
pub struct Shape {
    /// One call.
    pub timeout: Duration,
    /// Before the pivot.
    pub give_up_after: Duration,
    /// From the pivot on.
    pub attempts_max: i64,
    /// Of the wait.
    pub deadline_ms: i64,
}

impl Default for Shape {
    fn default() -> Shape {
        let long = Duration::from_secs(600);
        Shape { timeout: Duration::from_secs(10), give_up_after: long, attempts_max: 200, deadline_ms: 900_000 }
    }
}

/// A service with the sample saga, and the callee it needs. Its process can die and start again.
pub struct World {
    pub callee: Callee,
    /// What becomes of the next commits, where the world has no engine of its own; later ones hold.
    pub commits: Arc<Mutex<VecDeque<Fate>>>,
    place: Place,
    clock: Clock,
    shift_us: Arc<AtomicI64>,
    shape: Shape,
    process: Arc<Mutex<Process>>,
    deaths: watch::Receiver<u64>,
    _callee_place: Place,
}

/// Where rows live.
enum Place {
    Engine(Data),
    /// In memory, on the test's own thread.
    Memory(Disk),
}

/// What ends with a process.
#[derive(Clone)]
struct Process {
    tasks: Tasks,
    database: Database,
    db: Db,
    sagas: Sagas,
}

/// A second process, for as long as it is held.
pub struct Second(Process);

impl Second {
    pub fn sagas(&self) -> &Sagas {
        &self.0.sagas
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        self.0.tasks.abort();
    }
}

impl Place {
    fn memory(image: &Image) -> Place {
        Place::Memory(Disk::from_image(image).unwrap())
    }

    fn open(&self, commits: &Arc<Mutex<VecDeque<Fate>>>) -> Database {
        match self {
            Place::Engine(data) => data.database.clone(),
            Place::Memory(disk) => {
                let commits = commits.clone();
                Database::inline(disk, move |_| {
                    let fate = commits.lock().unwrap().pop_front().unwrap_or(Fate::Durable);
                    Flush { fate, ..Flush::PLAIN }
                })
            }
        }
    }
}

impl World {
    /// On a real engine.
    pub async fn on(engine: Engine, shape: Shape) -> World {
        let data = Data::fresh(engine);
        make_tables(&data.database).await;
        World::new(Place::Engine(data.clone()), Place::Engine(data), shape).await
    }

    /// In memory: made at once, so that a test can have many.
    pub async fn in_memory(image: &Image, shape: Shape) -> World {
        World::new(Place::memory(image), Place::memory(image), shape).await
    }

    /// What worlds in memory begin with.
    pub async fn image() -> Image {
        let disk = Disk::empty().unwrap();
        make_tables(&Database::inline(&disk, |_| Flush::PLAIN)).await;
        disk.image().unwrap()
    }

    async fn new(place: Place, callee_place: Place, shape: Shape) -> World {
        let shift_us = Arc::new(AtomicI64::new(0));
        let (clock, ids) = (Clock::shifted(shift_us.clone()), Ids::seeded(7));
        let callee_db = callee_place.open(&Arc::default()).for_service("callee", clock.clone(), ids, bus::Local::new());
        let commits = Arc::default();
        let process = Arc::new(Mutex::new(Process::new(&place, &commits, &clock)));
        let (died, deaths) = watch::channel(0);
        let dying = process.clone();
        let callee = Callee::new(callee_db, move || {
            dying.lock().unwrap().tasks.abort();
            died.send_modify(|n| *n += 1);
        });
        let world = World { callee, commits, place, clock, shift_us, shape, process, deaths, _callee_place: callee_place };
        world.live().await;
        world
    }

    fn process(&self) -> Process {
        self.process.lock().unwrap().clone()
    }

    pub fn sagas(&self) -> Sagas {
        self.process().sagas
    }

    pub fn db(&self) -> Db {
        self.process().db
    }

    /// What the database was asked for.
    pub fn counts(&self) -> Counts {
        self.process().database.counts()
    }

    async fn live(&self) {
        let process = self.process();
        process.sagas.define(vec![sample(self.callee.clone(), self.shape), one_way(self.callee.clone())]);
        process.sagas.check_definitions().await.unwrap();
        process.tasks.spawn_forever("sagas", process.sagas.clone().run());
    }

    /// Kills the process, if it still lives, and starts a new one on the same data.
    pub async fn restart(&self) {
        let old = self.process();
        old.tasks.abort();
        old.tasks.drain().await;
        if old.db.dialect() == Dialect::Postgres {
            // Another process may still live there: it is given the time of its lease.
            self.advance(Duration::from_secs(41));
        }
        *self.process.lock().unwrap() = Process::new(&self.place, &self.commits, &self.clock);
        self.live().await;
    }

    /// A second process on the same data.
    pub async fn second(&self) -> Second {
        let process = Process::new(&self.place, &self.commits, &self.clock);
        process.sagas.define(vec![sample(self.callee.clone(), self.shape)]);
        process.tasks.spawn_forever("sagas", process.sagas.clone().run());
        Second(process)
    }

    /// Where a saga ends or waits, with as many new processes as that takes. A saga that nobody drives because nobody
    /// was told of a commit is given the time of its lease.
    pub async fn survive(&self, saga: Uuid) -> Status {
        let mut deaths = self.deaths.clone();
        loop {
            let sagas = self.sagas();
            tokio::select! {
                biased;
                died = deaths.changed() => died.unwrap(),
                settled = tokio::time::timeout(Duration::from_secs(3), sagas.settle(saga)) => match settled {
                    // It is told as it stands to whoever waits in a process that ends.
                    Ok(Ok(Status::Running | Status::Compensating)) => {}
                    Ok(Ok(status)) => return status,
                    Ok(Err(e)) => assert!(matches!(e, DbError::Unavailable(_)), "{e}"),
                    Err(_nobody_drives_it) => {
                        self.advance(Duration::from_secs(41));
                        continue;
                    }
                },
            }
            self.restart().await;
        }
    }

    /// Moves the clock.
    pub fn advance(&self, time: Duration) {
        self.pass(time);
        self.sagas().wake();
    }

    /// Moves the clock and tells nobody.
    pub fn pass(&self, time: Duration) {
        self.shift_us.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub async fn start(&self, key: &str) -> Uuid {
        self.start_with(key, json!({})).await
    }

    pub async fn start_with(&self, key: &str, data: Json) -> Uuid {
        self.try_start(key, data).await.unwrap()
    }

    pub async fn try_start(&self, key: &str, data: Json) -> Result<Uuid, DbError> {
        let (process, key) = (self.process(), key.to_owned());
        let sagas = process.sagas;
        process.db.write(move |tx| sagas.start(tx, "sample", &key, subject(&key), data.clone(), &[])).await
    }

    /// Starts the saga that has no way back.
    pub async fn start_one_way(&self, key: &'static str) -> Uuid {
        let sagas = self.sagas();
        self.db().write(move |tx| sagas.start(tx, "one_way", key, subject(key), json!({}), &[])).await.unwrap()
    }

    pub async fn pay(&self, key: &str, payload: Json) {
        self.try_pay(key, payload).await.unwrap();
    }

    pub async fn try_pay(&self, key: &str, payload: Json) -> Result<(), DbError> {
        let (process, signal) = (self.process(), Step::signal_key("payment", subject(key)));
        let sagas = process.sagas;
        process.db.write(move |tx| sagas.signal(tx, &signal, &payload.to_string(), payload.clone())).await
    }

    pub async fn settle(&self, saga: Uuid) -> Status {
        self.sagas().settle(saga).await.unwrap()
    }

    /// The local effects of the saga that stand, and how often.
    pub async fn marks(&self, saga: Uuid) -> BTreeMap<String, i64> {
        let rows = self
            .db()
            .read(move |q| q.rows("SELECT name, times FROM own.marks WHERE saga = $1 AND times <> 0 ORDER BY name", params![saga]))
            .await;
        let rows: Vec<kit::Row> = rows.map_err(|e: DbError| e).unwrap();
        rows.iter().map(|r| (r.get(0).unwrap(), r.get(1).unwrap())).collect()
    }

    /// The calls of the saga whose effect stands.
    pub async fn effects(&self, saga: Uuid) -> Vec<String> {
        let prefix = format!("{saga}/");
        let calls = self.callee.calls().await.into_iter().filter(|(_, effects)| *effects != 0);
        calls
            .filter_map(|(key, effects)| Some((key.strip_prefix(&prefix)?.to_owned(), effects)))
            .inspect(|(key, effects)| assert_eq!(*effects, 1, "{key} took effect more than once"))
            .map(|(key, _)| key)
            .collect()
    }

    /// Fails unless everything the saga did stands.
    pub async fn assert_all(&self, saga: Uuid) {
        assert_eq!(self.effects(saga).await, ["charge", "notify", "reserve"]);
        let marks = ["charged", "confirm", "finish", "open", "price"].map(|name| (name.to_owned(), 1));
        assert_eq!(self.marks(saga).await, BTreeMap::from(marks));
    }

    /// Fails unless nothing of it stands, and it was told once that it failed, and why. What the effect of an answer
    /// wrote in the service's own database is the business of the last transaction, which has the code.
    pub async fn assert_nothing(&self, saga: Uuid, code: &str) {
        assert_eq!(self.effects(saga).await, [""; 0]);
        let mut marks = self.marks(saga).await;
        marks.remove("charged");
        assert_eq!(marks, BTreeMap::from([(format!("failed: {code}"), 1)]));
    }

    /// `step status` of every step's row, in order; what was undone is behind, in the order of the undoing.
    pub async fn steps(&self, saga: Uuid) -> Vec<String> {
        let sql = "SELECT name, status FROM own.saga_steps WHERE saga_id = $1 ORDER BY direction DESC, CASE WHEN direction = 'forward' THEN step ELSE -step END";
        let rows = self.db().read(move |q| q.rows(sql, params![saga])).await;
        let rows: Vec<kit::Row> = rows.map_err(|e: DbError| e).unwrap();
        rows.iter().map(|r| format!("{} {}", r.get::<String>(0).unwrap(), r.get::<String>(1).unwrap())).collect()
    }

    /// Everything that is stored of a saga.
    pub async fn dump(&self, saga: Uuid) -> Vec<kit::Row> {
        let dumped = self.db().read(move |q| {
            let mut rows = q.rows("SELECT * FROM own.sagas WHERE id = $1 ORDER BY id", params![saga])?;
            rows.extend(q.rows("SELECT * FROM own.saga_steps WHERE saga_id = $1 ORDER BY step, direction", params![saga])?);
            Ok::<_, DbError>(rows)
        });
        dumped.await.unwrap()
    }

    /// The saga's reason, as stored.
    pub async fn reason(&self, saga: Uuid) -> Option<String> {
        let row = self.db().read(move |q| q.row("SELECT reason FROM own.sagas WHERE id = $1", params![saga])).await;
        row.map_err(|e: DbError| e).unwrap().unwrap().get(0).unwrap()
    }
}

impl Process {
    fn new(place: &Place, commits: &Arc<Mutex<VecDeque<Fate>>>, clock: &Clock) -> Process {
        let (tasks, database) = (Tasks::new(Threads::Pool), place.open(commits));
        let db = database.for_service("caller", clock.clone(), Ids::random(), bus::Local::new());
        let sagas = Sagas::new(db.clone(), clock.clone(), tasks.clone());
        Process { tasks, database, db, sagas }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.process().tasks.abort();
    }
}

async fn make_tables(database: &Database) {
    migrate(database, "caller", MIGRATIONS).await.unwrap();
    migrate(database, "callee", callee::MIGRATIONS).await.unwrap();
}

pub fn subject(key: &str) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..key.len()].copy_from_slice(key.as_bytes());
    Uuid::from_bytes(bytes)
}

fn mark(tx: &mut Tx, saga: Uuid, name: &str, by: i64) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO own.marks (saga, name, times) VALUES ($1, $2, $3) ON CONFLICT (saga, name) DO UPDATE SET times = own.marks.times + excluded.times",
        params![saga, name, by],
    )?;
    Ok(())
}

/// `open` → `reserve` → `price` → `charge` → wait for `payment` → **`confirm`** → `notify` → `finish`.
#[allow(clippy::too_many_lines, reason = "a saga is read as one list")]
fn sample(callee: Callee, shape: Shape) -> Definition {
    let called = |name: &'static str| {
        let (act, undo) = (callee.clone(), callee.clone());
        Step::call(name, move |call| {
            let callee = act.clone();
            async move { callee.act(name, call).await }
        })
        .undo_call(move |call| {
            let callee = undo.clone();
            async move { callee.undo(name, call).await }
        })
        .timeout(shape.timeout)
        .give_up_after(shape.give_up_after)
        .attempts_max(shape.attempts_max)
    };
    let notify = {
        let callee = callee.clone();
        Step::call("notify", move |call| {
            let callee = callee.clone();
            async move { callee.act("notify", call).await }
        })
    };
    let open = Step::local("open", |tx, run| {
        mark(tx, run.saga, "open", 1)?;
        Ok(Outcome::Done(json!(null)))
    });
    let open = open.undo_local(|tx, run| {
        mark(tx, run.saga, "open", -1)?;
        Ok(Outcome::Done(json!(null)))
    });
    let price = Step::local("price", |tx, run| {
        if run.data["refuse"] == "price" {
            return Ok(Outcome::Refused("no_price".into()));
        }
        mark(tx, run.saga, "price", 1)?;
        if run.data["panic"] == "price" {
            panic!("price panics");
        }
        run.data["price"] = json!(7);
        Ok(Outcome::Done(json!(7)))
    });
    let price = price.undo_local(|tx, run| {
        mark(tx, run.saga, "price", -1)?;
        Ok(Outcome::Done(json!(null)))
    });
    let charge = called("charge").then(|tx, run| {
        if run.data["refuse"] == "charge" {
            return Ok(Outcome::Refused("unwanted".into()));
        }
        mark(tx, run.saga, "charged", 1)?;
        Ok(Outcome::Done(run.result.clone()))
    });
    let deadline_ms = shape.deadline_ms;
    let started = move |data: &Json| Time(data["waitFrom"].as_i64().unwrap_or_default()).plus_millis(deadline_ms);
    Definition {
        kind: "sample",
        version: 1,
        steps: vec![
            open,
            called("reserve").then(move |tx, run| {
                run.data["waitFrom"] = json!(tx.now().0);
                Ok(Outcome::Done(run.result.clone()))
            }),
            price.give_up_after(shape.give_up_after),
            charge,
            Step::wait("payment", started, payment),
            Step::local("confirm", |tx, run| {
                mark(tx, run.saga, "confirm", 1)?;
                Ok(Outcome::Done(json!(null)))
            })
            .pivot(),
            notify.timeout(shape.timeout).attempts_max(shape.attempts_max),
            Step::local("finish", |tx, run| {
                mark(tx, run.saga, "finish", 1)?;
                Ok(Outcome::Done(json!(null)))
            }),
        ],
        compensated: Some(Arc::new(|tx, run| {
            let code = run.result.as_str().unwrap_or("none").to_owned();
            mark(tx, run.saga, &format!("failed: {code}"), 1)
        })),
    }
}

/// **`give`** → `tell`: nothing before the pivot, and nobody is told that it failed.
fn one_way(callee: Callee) -> Definition {
    let called = |name: &'static str| {
        let callee = callee.clone();
        Step::call(name, move |call| {
            let callee = callee.clone();
            async move { callee.act(name, call).await }
        })
    };
    Definition { kind: "one_way", version: 1, steps: vec![called("give").pivot(), called("tell")], compensated: None }
}

fn payment(_: &mut Tx, run: &mut Run) -> Result<Outcome, DbError> {
    Ok(match run.result.as_str() {
        Some("paid") => Outcome::Done(run.result.clone()),
        Some("later") => Outcome::Unknown("the payer thinks".into()),
        Some(_) => Outcome::Refused("declined".into()),
        None => Outcome::Refused("payment_overdue".into()),
    })
}
