//! Jobs run when they are due, until they succeed, on one node at a time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use kit::db::{Dialect, migrate};
use kit::jobs::{self, Job, JobDef, JobOutcome, JobRunner};
use kit::tasks::Threads;
use kit::{Clock, Db, DbError, Ids, Row, Tasks, params};
use serde_json::{Value as Json, json};
use testing::{Data, Engine, eventually};
use tokio::sync::watch;

testing::both_engines!(
    a_queued_job_runs_and_is_forgotten,
    a_job_waits_until_it_is_due,
    a_key_is_queued_once,
    a_key_that_is_queued_while_it_runs_is_run_once_more,
    a_job_that_failed_for_good_while_it_was_wanted_again_begins_anew,
    a_job_that_wants_to_go_on_at_once_leaves_a_pause,
    a_job_that_fails_for_now_is_tried_again_after_a_pause,
    a_job_that_fails_for_good_is_kept_for_an_operator,
    a_job_that_panics_is_tried_again,
    a_job_that_takes_too_long_is_tried_again,
    a_regular_job_runs_again_and_again_on_one_node,
    a_job_whose_process_dies_is_run_by_another,
    who_lost_its_lease_changes_nothing,
    a_held_job_is_run_by_others_only_when_its_lease_ends,
    more_jobs_than_places_all_run,
    jobs_that_go_together_come_in_one_call_and_end_each_for_itself,
    what_fails_together_is_tried_again_alone,
    a_job_with_a_queue_of_its_own_misses_nothing,
);

/// A service with a kind of job whose tries end as told, and nodes that run it.
struct Ground {
    db: Db,
    data: Data,
    clock: Clock,
    shift_us: Arc<AtomicI64>,
    script: Arc<Script>,
}

#[derive(Default)]
struct Script {
    ends: Mutex<BTreeMap<String, Vec<JobOutcome>>>,
    /// The key of every try that began.
    tries: watch::Sender<Vec<String>>,
    gate: watch::Sender<bool>,
}

impl Script {
    /// Ends as told for the key; keys with a `!` panic, with a `~` wait for the gate, with a `%` never end.
    async fn run(&self, job: Job) -> JobOutcome {
        let attempt = usize::try_from(job.attempts).unwrap();
        self.tries.send_modify(|tries| tries.push(job.key.clone()));
        let outcome = self.ends.lock().unwrap().get(&job.key).and_then(|ends| ends.get(attempt).cloned());
        match job.key.chars().last() {
            Some('!') if attempt == 0 => panic!("the job panics"),
            Some('~') => {
                self.gate.subscribe().wait_for(|open| *open).await.unwrap();
            }
            Some('%') if attempt == 0 => std::future::pending().await,
            _ => {}
        }
        outcome.unwrap_or(JobOutcome::Done)
    }
}

/// A process that runs jobs, for as long as it is held.
struct Node(Tasks);

impl Drop for Node {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Ground {
    async fn on(engine: Engine) -> Ground {
        let data = Data::fresh(engine);
        migrate(&data.database, "shop", &[]).await.unwrap();
        let shift_us = Arc::new(AtomicI64::new(0));
        let clock = Clock::shifted(shift_us.clone());
        let db = data.database.for_service("shop", clock.clone(), Ids::random(), bus::Local::new());
        Ground { db, data, clock, shift_us, script: Arc::default() }
    }

    fn node(&self) -> (Node, JobRunner) {
        self.node_with(Vec::new())
    }

    fn node_with(&self, more: Vec<JobDef>) -> (Node, JobRunner) {
        let script = self.script.clone();
        let work = JobDef::queued("work", move |job| {
            let script = script.clone();
            async move { script.run(job).await }
        });
        let defs = [vec![work.limit(std::time::Duration::from_secs(2))], more].concat();
        let tasks = Tasks::new(Threads::Pool);
        let runner = JobRunner::new(self.db.clone(), self.clock.clone(), tasks.clone(), defs);
        tasks.spawn_forever("jobs", runner.clone().run());
        (Node(tasks), runner)
    }

    async fn queue(&self, key: &'static str, in_seconds: i64) {
        let queued = self.db.write(move |tx| {
            let due = tx.now().plus_seconds(in_seconds);
            jobs::queue(tx, "work", key, json!({ "key": key }), due)
        });
        queued.await.unwrap();
    }

    fn ends(&self, key: &str, outcomes: &[JobOutcome]) {
        self.script.ends.lock().unwrap().insert(key.to_owned(), outcomes.to_vec());
    }

    fn tries(&self) -> Vec<String> {
        self.script.tries.borrow().clone()
    }

    async fn tried(&self, times: usize) {
        self.script.tries.subscribe().wait_for(|tries| tries.len() >= times).await.unwrap();
    }

    fn advance(&self, seconds: i64, runner: &JobRunner) {
        self.shift_us.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
        runner.wake();
    }

    /// Key, state, attempts and error of every job of the kind, by key.
    async fn jobs(&self) -> Vec<(String, String, i64, Option<String>)> {
        let rows = self.db.read(|q| q.rows("SELECT key, state, attempts, error FROM own.jobs WHERE kind = 'work' ORDER BY key", &[])).await;
        let rows: Vec<Row> = rows.map_err(|e: DbError| e).unwrap();
        rows.iter().map(|r| (r.get(0).unwrap(), r.get(1).unwrap(), r.get(2).unwrap(), r.get(3).unwrap())).collect()
    }

    async fn none_left(&self) {
        eventually("all jobs are done", || async { self.jobs().await.is_empty() }).await;
    }
}

async fn a_queued_job_runs_and_is_forgotten(engine: Engine) {
    let ground = Ground::on(engine).await;
    let (_node, _) = ground.node();
    ground.queue("a", 0).await;
    ground.none_left().await;
    assert_eq!(ground.tries(), ["a"]);
}

async fn a_job_waits_until_it_is_due(engine: Engine) {
    let ground = Ground::on(engine).await;
    let (_node, runner) = ground.node();
    ground.queue("later", 3_600).await;
    ground.queue("now", 0).await;
    eventually("one is left", || async { ground.jobs().await.len() == 1 }).await;
    assert_eq!(ground.tries(), ["now"]);
    ground.advance(3_601, &runner);
    ground.none_left().await;
    assert_eq!(ground.tries(), ["now", "later"]);
}

async fn a_key_is_queued_once(engine: Engine) {
    let ground = Ground::on(engine).await;
    ground.queue("a", 0).await;
    ground.queue("a", 0).await;
    let (_node, _) = ground.node();
    ground.none_left().await;
    assert_eq!(ground.tries(), ["a"]);
}

async fn a_key_that_is_queued_while_it_runs_is_run_once_more(engine: Engine) {
    let ground = Ground::on(engine).await;
    let (_node, runner) = ground.node_with(Vec::new());
    ground.queue("now~", 0).await;
    ground.tried(1).await;
    ground.queue("now~", 0).await;
    ground.queue("now~", 0).await;
    ground.script.gate.send_replace(true);
    ground.none_left().await;
    assert_eq!(ground.tries(), ["now~"; 2]);

    ground.script.gate.send_replace(false);
    ground.queue("later~", 0).await;
    ground.tried(3).await;
    ground.queue("later~", 3_600).await;
    ground.script.gate.send_replace(true);
    eventually("it waits for its time", || async { ground.jobs().await == [("later~".to_owned(), "queued".to_owned(), 0, None)] }).await;
    ground.advance(3_601, &runner);
    ground.none_left().await;
    assert_eq!(ground.tries()[2..], ["later~"; 2]);
}

async fn a_job_that_failed_for_good_while_it_was_wanted_again_begins_anew(engine: Engine) {
    let ground = Ground::on(engine).await;
    ground.ends("a~", &[JobOutcome::Failed("no such address".into())]);
    let (_node, _) = ground.node();
    ground.queue("a~", 0).await;
    ground.tried(1).await;
    ground.queue("a~", 0).await;
    ground.script.gate.send_replace(true);
    ground.tried(2).await;
    let dead = [("a~".to_owned(), "dead".to_owned(), 1, Some("no such address".to_owned()))];
    eventually("it was tried once more, and is dead", || async { ground.jobs().await == dead }).await;
}

async fn a_job_that_wants_to_go_on_at_once_leaves_a_pause(engine: Engine) {
    let ground = Ground::on(engine).await;
    ground.ends("a", &[JobOutcome::Again(contracts::Time(0))]);
    let (_node, _) = ground.node();
    ground.queue("a", 0).await;
    ground.tried(3).await;
    let due = || async {
        let row = ground.db.read(|q| q.row("SELECT due_at, created_at FROM own.jobs WHERE key = 'a' AND state = 'queued'", &[])).await;
        let row: Option<Row> = row.map_err(|e: DbError| e).unwrap();
        row.is_some_and(|r| r.get::<contracts::Time>(0).unwrap() > r.get::<contracts::Time>(1).unwrap())
    };
    eventually("it is due a moment later", due).await;
}

async fn a_job_that_fails_for_now_is_tried_again_after_a_pause(engine: Engine) {
    let ground = Ground::on(engine).await;
    ground.ends("a", &[JobOutcome::Retry("busy".into()), JobOutcome::Retry("busy".into())]);
    let (_node, runner) = ground.node();
    ground.queue("a", 0).await;
    let failed = |attempts| ("a".to_owned(), "queued".to_owned(), attempts, Some("busy".to_owned()));
    eventually("it has failed", || async { ground.jobs().await == [failed(1)] }).await;
    ground.advance(2, &runner);
    eventually("it has failed again", || async { ground.jobs().await == [failed(2)] }).await;
    ground.advance(3, &runner);
    ground.none_left().await;
    assert_eq!(ground.tries(), ["a"; 3]);
}

async fn a_job_that_fails_for_good_is_kept_for_an_operator(engine: Engine) {
    let ground = Ground::on(engine).await;
    ground.ends("a", &[JobOutcome::Failed("no such address".into())]);
    let (_node, runner) = ground.node();
    ground.queue("a", 0).await;
    let dead = [("a".to_owned(), "dead".to_owned(), 1, Some("no such address".to_owned()))];
    eventually("it is dead", || async { ground.jobs().await == dead }).await;
    ground.advance(10_000, &runner);
    ground.queue("b", 0).await;
    eventually("only it is left", || async { ground.jobs().await == dead }).await;
    assert_eq!(ground.tries(), ["a", "b"]);
}

async fn a_job_that_panics_is_tried_again(engine: Engine) {
    let ground = Ground::on(engine).await;
    let (_node, runner) = ground.node();
    ground.queue("a!", 0).await;
    let failed = [("a!".to_owned(), "queued".to_owned(), 1, Some("panic: the job panics".to_owned()))];
    eventually("it has failed", || async { ground.jobs().await == failed }).await;
    ground.advance(2, &runner);
    ground.none_left().await;
}

async fn a_job_that_takes_too_long_is_tried_again(engine: Engine) {
    let ground = Ground::on(engine).await;
    let (_node, runner) = ground.node();
    ground.queue("a%", 0).await;
    eventually("it is given up", || async {
        ground.jobs().await.iter().any(|(_, state, attempts, _)| state == "queued" && *attempts == 1)
    })
    .await;
    ground.advance(2, &runner);
    ground.none_left().await;
}

async fn a_regular_job_runs_again_and_again_on_one_node(engine: Engine) {
    let ground = Ground::on(engine).await;
    let ran = Arc::new(watch::Sender::new(0));
    let regular = || {
        let ran = ran.clone();
        JobDef::every("sweep", 60, move |_| {
            ran.send_modify(|n| *n += 1);
            async { JobOutcome::Done }
        })
    };
    let ((_one, first), (_other, second)) = (ground.node_with(vec![regular()]), ground.node_with(vec![regular()]));
    let waiting = || async {
        let row = ground.db.read(|q| q.row("SELECT state, due_at FROM own.jobs WHERE kind = 'sweep'", &[])).await;
        let row: Option<Row> = row.map_err(|e: DbError| e).unwrap();
        row.is_some_and(|r| r.get::<String>(0).unwrap() == "queued" && r.get::<contracts::Time>(1).unwrap() > ground.clock.now())
    };
    for round in 1..=3 {
        ran.subscribe().wait_for(|n| *n >= round).await.unwrap();
        eventually("it waits for its next time", waiting).await;
        assert_eq!(*ran.borrow(), round, "both nodes ran it");
        ground.advance(61, &first);
        second.wake();
    }
}

async fn a_job_whose_process_dies_is_run_by_another(engine: Engine) {
    let ground = Ground::on(engine).await;
    let (node, _) = ground.node();
    ground.queue("a%", 0).await;
    ground.tried(1).await;
    drop(node);
    // Where the database may have other processes, the dead one's lease has to end.
    if ground.data.database.dialect() == Dialect::Postgres {
        ground.shift_us.fetch_add(31 * 1_000_000, Ordering::SeqCst);
    }
    let (_next, _) = ground.node();
    ground.none_left().await;
    assert_eq!(ground.tries(), ["a%"; 2]);
}

async fn who_lost_its_lease_changes_nothing(engine: Engine) {
    let ground = Ground::on(engine).await;
    let (_late, _) = ground.node();
    ground.queue("a~", 0).await;
    ground.tried(1).await;
    // The lease ends without the holder's knowing, and another process makes its own of the job.
    ground.shift_us.fetch_add(31 * 1_000_000, Ordering::SeqCst);
    let taken = ground.db.write(|tx| {
        let until = tx.now().plus_seconds(30);
        tx.execute("UPDATE own.jobs SET epoch = epoch + 1, lease_until = $1, error = 'mine' WHERE key = 'a~'", params![until])
    });
    assert_eq!(taken.await, Ok::<_, DbError>(1));
    let before = ground.jobs().await;
    let counted = |ground: &Ground| ground.data.database.counts().services["shop"].empty;
    let empty = counted(&ground);
    ground.script.gate.send_replace(true);
    eventually("the late one has ended", || async { counted(&ground) > empty || ground.jobs().await != before }).await;
    assert_eq!(ground.jobs().await, before, "who lost its lease has written");
}

async fn a_held_job_is_run_by_others_only_when_its_lease_ends(engine: Engine) {
    let ground = Ground::on(engine).await;
    let hold = async |key: &'static str| {
        let held = ground.db.write(move |tx| jobs::queue_held(tx, "work", key, Json::Null));
        held.await.unwrap();
    };
    // A node that starts alone takes over at once, so it is here first.
    let (_node, runner) = ground.node();
    ground.queue("first", 0).await;
    ground.tried(1).await;
    for key in ["done", "failed", "forgotten"] {
        hold(key).await;
    }
    ground.db.write(|tx| jobs::finish(tx, "work", "done")).await.unwrap();
    let given_back = ground.db.write(|tx| {
        let due = tx.now();
        jobs::give_back(tx, "work", "failed", "it broke", due)
    });
    given_back.await.unwrap();
    ground.tried(2).await;
    eventually("one is left", || async { ground.jobs().await.len() == 1 }).await;
    assert_eq!(ground.tries(), ["first", "failed"]);
    ground.advance(31, &runner);
    ground.none_left().await;
    assert_eq!(ground.tries(), ["first", "failed", "forgotten"]);
}

async fn more_jobs_than_places_all_run(engine: Engine) {
    let ground = Ground::on(engine).await;
    let queued = ground.db.write(|tx| {
        let due = tx.now();
        (0..100).try_for_each(|n| jobs::queue(tx, "work", &format!("{n}"), Json::Null, due))
    });
    queued.await.unwrap();
    let (_node, _) = ground.node();
    ground.none_left().await;
    let mut tries = ground.tries();
    tries.sort();
    tries.dedup();
    assert_eq!((tries.len(), ground.tries().len()), (100, 100));
}

/// A kind whose jobs go together: what each call was given, and the answers to it.
fn together(calls: &Arc<Mutex<Vec<Vec<String>>>>, answer: fn(&[Job]) -> Vec<JobOutcome>) -> JobDef {
    let calls = calls.clone();
    JobDef::together("mail", move |jobs| {
        calls.lock().unwrap().push(jobs.iter().map(|j| j.key.clone()).collect());
        async move { answer(&jobs) }
    })
}

async fn queue_mails(ground: &Ground, keys: &'static [&'static str]) {
    let queued = ground.db.write(move |tx| {
        let now = tx.now();
        keys.iter().try_for_each(|key| jobs::queue(tx, "mail", key, Json::Null, now))
    });
    let queued: Result<(), DbError> = queued.await;
    queued.unwrap();
}

/// Key, state and error of every mail, by key.
async fn mails(ground: &Ground) -> Vec<(String, String, Option<String>)> {
    let rows = ground.db.read(|q| q.rows("SELECT key, state, error FROM own.jobs WHERE kind = 'mail' ORDER BY key", &[])).await;
    let rows: Vec<Row> = rows.map_err(|e: DbError| e).unwrap();
    rows.iter().map(|r| (r.get(0).unwrap(), r.get(1).unwrap(), r.get(2).unwrap())).collect()
}

async fn jobs_that_go_together_come_in_one_call_and_end_each_for_itself(engine: Engine) {
    let ground = Ground::on(engine).await;
    queue_mails(&ground, &["a", "b", "c", "d"]).await;
    let calls = Arc::new(Mutex::new(Vec::new()));
    let (_node, _) = ground.node_with(vec![together(&calls, |jobs| {
        let end = |job: &Job| match job.key.as_str() {
            "b" => JobOutcome::Retry("busy".into()),
            "c" => JobOutcome::Failed("no such address".into()),
            _ => JobOutcome::Done,
        };
        jobs.iter().map(end).collect()
    })]);
    let left = [("b", "queued", "busy"), ("c", "dead", "no such address")];
    let left = left.map(|(key, state, error)| (key.to_owned(), state.to_owned(), Some(error.to_owned())));
    eventually("those that failed are left", || async { mails(&ground).await == left }).await;
    assert_eq!(*calls.lock().unwrap(), [["a", "b", "c", "d"]]);
}

async fn what_fails_together_is_tried_again_alone(engine: Engine) {
    let ground = Ground::on(engine).await;
    queue_mails(&ground, &["a", "bad", "c"]).await;
    let calls = Arc::new(Mutex::new(Vec::new()));
    let (_node, runner) = ground.node_with(vec![together(&calls, |jobs| {
        assert!(jobs.iter().all(|j| j.key != "bad"), "a bad one");
        jobs.iter().map(|_| JobOutcome::Done).collect()
    })]);
    eventually("all have failed", || async { mails(&ground).await.iter().all(|(_, state, error)| state == "queued" && error.is_some()) })
        .await;
    ground.advance(2, &runner);
    eventually("the bad one is left", || async { mails(&ground).await.iter().map(|(key, ..)| key.as_str()).eq(["bad"]) }).await;
    let calls = calls.lock().unwrap();
    let alone = |key: &str| calls.iter().filter(|call| **call == [key]).count();
    assert_eq!((calls[0].len(), alone("a"), alone("c")), (3, 1, 1));
}

async fn a_job_with_a_queue_of_its_own_misses_nothing(engine: Engine) {
    let ground = Ground::on(engine).await;
    let db = ground.db.clone();
    let draining = JobDef::queued("drain", move |_| {
        let db = db.clone();
        async move {
            let taken = db.write(|tx| tx.execute("DELETE FROM own.jobs WHERE kind = 'item'", &[])).await;
            let rested = db.write(|tx| {
                jobs::rest(tx, "drain", "queue", |tx| {
                    let left = tx.row("SELECT due_at FROM own.jobs WHERE kind = 'item' ORDER BY due_at, id LIMIT 1", &[])?;
                    left.map(|r| r.get(0)).transpose()
                })
            });
            let ended: Result<(), DbError> = rested.await.and(taken.map(drop));
            ended.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done)
        }
    });
    let (_node, _) = ground.node_with(vec![draining]);
    let said = (0..200).map(|n| {
        let db = ground.db.clone();
        async move {
            let said = db.write(move |tx| {
                let now = tx.now();
                jobs::queue(tx, "item", &n.to_string(), Json::Null, now)?;
                jobs::hasten(tx, "drain", "queue", now)
            });
            said.await.unwrap_or_else(|e: DbError| panic!("{e}"));
        }
    });
    futures::future::join_all(said).await;
    let left = || async {
        let left =
            ground.db.read(|q| q.row("SELECT COUNT(*) FROM own.jobs WHERE kind IN ('item', 'drain')", &[])?.map_or(Ok(0), |r| r.get(0)));
        left.await.unwrap_or_else(|e: DbError| panic!("{e}"))
    };
    eventually("the queue is empty and its job forgotten", || async { left().await == 0_i64 }).await;
}
