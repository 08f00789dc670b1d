//! One key, one effect, one answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures::future::join_all;
use kit::db::migrate;
use kit::idempotency::{Answer, Key, Seen, claim, complete, look_up, prune, remember};
use kit::{Clock, Db, DbError, Ids, Migration, params};
use serde_json::{Value as Json, json};
use testing::{Data, Engine};
use uuid::Uuid;

testing::both_engines!(
    a_key_is_answered_with_the_first_answer,
    a_claimed_key_is_completed_once,
    a_key_with_another_body_is_a_mismatch,
    keys_belong_to_their_scope,
    requests_with_one_key_at_once_have_one_effect,
    old_keys_are_forgotten_in_chunks,
);

const MIGRATIONS: &[Migration] = &[Migration::new("0001_effects", "CREATE TABLE own.effects (id {id} PRIMARY KEY);\n")];

struct Ground {
    db: Db,
    shift_us: Arc<AtomicI64>,
    _data: Data,
}

async fn ground(engine: Engine) -> Ground {
    let data = Data::fresh(engine);
    migrate(&data.database, "shop", MIGRATIONS).await.unwrap();
    let shift_us = Arc::new(AtomicI64::new(0));
    let db = data.database.for_service("shop", Clock::shifted(shift_us.clone()), Ids::random(), bus::Local::new());
    Ground { db, shift_us, _data: data }
}

impl Ground {
    async fn seen(&self, key: &Key) -> Seen {
        let key = key.clone();
        let seen: Result<Seen, DbError> = self.db.read(move |q| look_up(q, &key)).await;
        seen.unwrap()
    }

    async fn count(&self, table: &'static str) -> i64 {
        let counted = self.db.read(move |q| q.row(&format!("SELECT COUNT(*) FROM own.{table}"), &[])).await;
        counted.map_err(|e: DbError| e).unwrap().unwrap().get(0).unwrap()
    }
}

fn key(name: &str, body: &Json) -> Key {
    Key::new("user:1 POST /orders".into(), name.into(), body)
}

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, location: Some("/api/v1/orders/1".into()), body: body.as_bytes().to_vec() }
}

async fn a_key_is_answered_with_the_first_answer(engine: Engine) {
    let ground = ground(engine).await;
    let key = key("a", &json!({ "quantity": 1 }));
    assert_eq!(ground.seen(&key).await, Seen::New);
    let (stored, first) = (key.clone(), answer(201, "{\"id\":1}"));
    ground.db.write(move |tx| remember(tx, &stored, &first)).await.unwrap();
    assert_eq!(ground.seen(&key).await, Seen::Answered(answer(201, "{\"id\":1}")));
    let (again, bare) = (key.clone(), Answer { status: 200, location: None, body: Vec::new() });
    assert_eq!(ground.db.write(move |tx| remember(tx, &again, &bare)).await, Err(DbError::Conflict), "a second answer is a lost race");
    assert_eq!(ground.seen(&key).await, Seen::Answered(answer(201, "{\"id\":1}")));
}

async fn a_claimed_key_is_completed_once(engine: Engine) {
    let ground = ground(engine).await;
    let (key, order) = (key("a", &json!({})), Uuid::from_u128(7));
    let claimed = key.clone();
    ground.db.write(move |tx| claim(tx, &claimed, order)).await.unwrap();
    assert_eq!(ground.seen(&key).await, Seen::Claimed(order));
    for body in ["first", "second"] {
        let Key { scope, key, .. } = key.clone();
        ground.db.write(move |tx| complete(tx, &scope, &key, &answer(201, body))).await.unwrap();
    }
    assert_eq!(ground.seen(&key).await, Seen::Answered(answer(201, "first")));
}

async fn a_key_with_another_body_is_a_mismatch(engine: Engine) {
    let ground = ground(engine).await;
    let first = key("a", &json!({ "quantity": 1, "note": "x" }));
    ground.db.write(move |tx| claim(tx, &first, Uuid::from_u128(7))).await.unwrap();
    assert_eq!(ground.seen(&key("a", &json!({ "note": "x", "quantity": 1.0 }))).await, Seen::Claimed(Uuid::from_u128(7)));
    assert_eq!(ground.seen(&key("a", &json!({ "quantity": 2, "note": "x" }))).await, Seen::Mismatch);
}

async fn keys_belong_to_their_scope(engine: Engine) {
    let ground = ground(engine).await;
    let mine = key("a", &json!({}));
    let theirs = Key { scope: "user:2 POST /orders".into(), ..mine.clone() };
    let stored = mine.clone();
    ground.db.write(move |tx| remember(tx, &stored, &answer(201, "mine"))).await.unwrap();
    assert_eq!(ground.seen(&theirs).await, Seen::New);
    assert_ne!(mine.derived_id("order"), theirs.derived_id("order"));
    assert_ne!(mine.derived_id("order"), mine.derived_id("payment"));
    assert_eq!(mine.derived_id("order"), mine.clone().derived_id("order"));

    let at = |key: &Key, secret: u8, purpose, millis: i64| key.derived_id_at(&[secret; 32], purpose, contracts::Time(millis * 1_000));
    let id = at(&mine, 1, "order", 5);
    assert_eq!(id, at(&mine.clone(), 1, "order", 5));
    assert_eq!(kit::clock::made_at(id), Some(contracts::Time(5_000)));
    assert_ne!(id, at(&mine, 1, "order", 6));
    for other in [at(&theirs, 1, "order", 5), at(&mine, 2, "order", 5), at(&mine, 1, "payment", 5)] {
        assert_ne!(id, other);
    }
}

async fn requests_with_one_key_at_once_have_one_effect(engine: Engine) {
    let ground = ground(engine).await;
    let key = key("a", &json!({}));
    let request = async || {
        let key = key.clone();
        let answered = ground.db.write(move |tx| {
            if let Seen::Answered(answer) = look_up(tx, &key)? {
                return Ok::<_, DbError>(answer);
            }
            let id = tx.id();
            tx.execute("INSERT INTO own.effects (id) VALUES ($1)", params![id])?;
            let answer = answer(201, &id.to_string());
            remember(tx, &key, &answer)?;
            Ok(answer)
        });
        answered.await.unwrap()
    };
    let answers = join_all((0..8).map(|_| request())).await;
    assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
    assert_eq!(ground.count("effects").await, 1);
}

async fn old_keys_are_forgotten_in_chunks(engine: Engine) {
    let ground = ground(engine).await;
    let store = async |names: std::ops::Range<usize>| {
        let stored =
            ground.db.write(move |tx| names.clone().try_for_each(|n| remember(tx, &key(&n.to_string(), &json!({})), &answer(200, ""))));
        stored.await.unwrap();
    };
    store(0..600).await;
    ground.shift_us.fetch_add(25 * 3_600 * 1_000_000, Ordering::SeqCst);
    store(600..603).await;
    let before = Clock::shifted(ground.shift_us.clone()).now().plus_seconds(-24 * 3_600);
    let mut pruned = Vec::new();
    for _ in 0..3 {
        pruned.push(ground.db.write_behind(move |tx| prune(tx, before)).await.unwrap());
    }
    assert_eq!(pruned, [500, 100, 0]);
    assert_eq!(ground.count("idempotency").await, 3);
}
