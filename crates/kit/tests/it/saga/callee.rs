//! A service that is called by sagas, as every callee should be: the key of a call and its effect are one transaction,
//! a repeat gets the first answer, and **an undo of a call that was never seen leaves a tombstone**, so that the
//! call, should it still arrive, is refused. Without the tombstone a late call would leak what it took.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use kit::saga::{Call, Outcome};
use kit::{Db, DbError, Migration, params};
use serde_json::json;
use tokio::sync::watch;

pub const MIGRATIONS: &[Migration] = &[Migration::new(
    "0001_calls",
    "CREATE TABLE own.calls (key text PRIMARY KEY, state text NOT NULL CHECK (state IN ('done', 'refused', 'undone')), effects bigint NOT NULL);\n",
)];

/// What happens to the next try of a call, or of its undoing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meets {
    /// It says no.
    Refused,
    /// It is lost on the way.
    LostBefore,
    /// It takes effect, and its answer is lost.
    LostAfter,
    /// It never arrives, and nobody says so.
    SilentBefore,
    /// It takes effect and never answers.
    SilentAfter,
    /// The process that calls dies before it arrives.
    DiesBefore,
    /// The process that calls dies after the effect.
    DiesAfter,
    /// Two of it arrive.
    Twice,
    /// The caller's code panics after the effect.
    Panics,
    /// It is held up on the way, until the test lets it go.
    HeldBefore,
    /// Its answer is held up.
    HeldAfter,
}

#[derive(Clone)]
pub struct Callee {
    db: Db,
    fates: Arc<Mutex<BTreeMap<String, VecDeque<Meets>>>>,
    die: Arc<dyn Fn() + Send + Sync>,
    gate: Arc<watch::Sender<Gate>>,
}

/// How many calls were held up so far, and whether they may go on.
#[derive(Default)]
struct Gate {
    held: u64,
    passed: u64,
    open: bool,
}

impl Callee {
    pub fn new(db: Db, die: impl Fn() + Send + Sync + 'static) -> Callee {
        Callee { db, fates: Arc::default(), die: Arc::new(die), gate: Arc::default() }
    }

    /// Lets the next tries of `step`, or of `step/undo`, meet these; later ones go well.
    pub fn meets(&self, step: &str, fates: &[Meets]) {
        self.fates.lock().unwrap().entry(step.to_owned()).or_default().extend(fates);
    }

    /// Lets the later tries of `step` go well after all.
    pub fn forget(&self, step: &str) {
        self.fates.lock().unwrap().remove(step);
    }

    /// Ends when `count` calls were held up.
    pub async fn held(&self, count: u64) {
        self.gate.subscribe().wait_for(|gate| gate.held >= count).await.unwrap();
    }

    /// Lets calls that are held up go on.
    pub fn let_go(&self) {
        self.gate.send_modify(|gate| gate.open = true);
    }

    /// How many of those that were held up have ended.
    pub fn passed(&self) -> u64 {
        self.gate.borrow().passed
    }

    async fn hold(&self) {
        self.gate.send_modify(|gate| gate.held += 1);
        self.gate.subscribe().wait_for(|gate| gate.open).await.unwrap();
    }

    /// The call itself.
    pub async fn act(&self, step: &str, call: Call) -> Outcome {
        self.meet(step, || self.effect(call.key.clone(), "done"), || self.effect(call.key.clone(), "refused")).await
    }

    /// Its undoing.
    pub async fn undo(&self, step: &str, call: Call) -> Outcome {
        let key = call.key.trim_end_matches("/undo").to_owned();
        let refused = || async { Outcome::Refused("not_undoable".into()) };
        self.meet(&format!("{step}/undo"), || self.take_back(key.clone()), refused).await
    }

    async fn meet<A: Future<Output = Outcome>, R: Future<Output = Outcome>>(
        &self,
        name: &str,
        effect: impl Fn() -> A,
        refusal: impl Fn() -> R,
    ) -> Outcome {
        let fate = self.fates.lock().unwrap().get_mut(name).and_then(VecDeque::pop_front);
        let Some(fate) = fate else { return effect().await };
        match fate {
            Meets::Refused => refusal().await,
            Meets::LostBefore => lost(),
            Meets::SilentBefore => std::future::pending().await,
            Meets::DiesBefore => self.dies().await,
            Meets::HeldBefore => {
                self.hold().await;
                let answer = effect().await;
                self.gate.send_modify(|gate| gate.passed += 1);
                answer
            }
            Meets::LostAfter | Meets::SilentAfter | Meets::DiesAfter | Meets::Panics | Meets::Twice | Meets::HeldAfter => {
                let answer = effect().await;
                match fate {
                    Meets::LostAfter => lost(),
                    Meets::SilentAfter => std::future::pending().await,
                    Meets::DiesAfter => self.dies().await,
                    Meets::Panics => panic!("the step {name} panics"),
                    Meets::Twice => effect().await,
                    _ => {
                        self.hold().await;
                        self.gate.send_modify(|gate| gate.passed += 1);
                        answer
                    }
                }
            }
        }
    }

    async fn dies(&self) -> Outcome {
        (self.die)();
        std::future::pending().await
    }

    /// What the key knows already stands; else the effect, once.
    async fn effect(&self, key: String, state: &'static str) -> Outcome {
        let done = self.db.write(move |tx| {
            let effects = i64::from(state == "done");
            tx.execute(
                "INSERT INTO own.calls (key, state, effects) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING",
                params![&key, state, effects],
            )?;
            tx.row("SELECT state FROM own.calls WHERE key = $1", params![&key])?.map(|r| r.get::<String>(0)).transpose()
        });
        match done.await {
            Ok(Some(state)) if state == "done" => Outcome::Done(json!({ "state": state })),
            Ok(state) => Outcome::Refused(state.unwrap_or_default()),
            Err(e) => Outcome::Unknown(DbError::to_string(&e)),
        }
    }

    async fn take_back(&self, key: String) -> Outcome {
        let done = self.db.write(move |tx| {
            tx.execute(
                "INSERT INTO own.calls (key, state, effects) VALUES ($1, 'undone', 0) ON CONFLICT (key) DO UPDATE SET state = 'undone', effects = 0",
                params![&key],
            )
        });
        match done.await {
            Ok(_) => Outcome::Done(json!(null)),
            Err(e) => Outcome::Unknown(DbError::to_string(&e)),
        }
    }

    /// Key and number of effects of every call it has heard of, by key.
    pub async fn calls(&self) -> Vec<(String, i64)> {
        let rows = self.db.read(|q| q.rows("SELECT key, effects FROM own.calls ORDER BY key", &[])).await;
        let rows: Vec<kit::Row> = rows.map_err(|e: DbError| e).unwrap();
        rows.iter().map(|r| (r.get(0).unwrap(), r.get(1).unwrap())).collect()
    }
}

fn lost() -> Outcome {
    Outcome::Unknown("connection lost".into())
}
