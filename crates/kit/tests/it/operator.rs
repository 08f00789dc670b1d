//! What an operator sees and mends, through the service's own gRPC side.

use contracts::proto::operator::operator_client::OperatorClient;
use contracts::proto::operator::{
    DeadJobRequest, DeadLetterRequest, GetReplayRequest, ListDeadJobsRequest, ListDeadLetterGroupsRequest, ListDeadLettersRequest,
    ListSagasRequest, ReadLogRequest, Saga, SagaRequest, StartReplayRequest,
};
use kit::channel::Channel;
use kit::jobs::{JobDef, JobOutcome};
use kit::saga::{Definition, Outcome, Step};
use kit::{BuildError, Env, Service, ServiceDef, Tx};
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform};
use tonic::Code;
use utoipa::openapi::OpenApiBuilder;
use uuid::Uuid;

use crate::readers::{TALLY, cart, publish};

testing::both_engines!(
    sagas_are_listed_newest_first_and_by_filter,
    a_stuck_saga_is_taken_up,
    a_saga_is_turned_back_before_its_pivot_only,
    dead_letters_are_seen_and_decided_on,
    dead_jobs_are_seen_and_tried_again,
    a_log_is_read_part_by_part_up_to_where_it_went,
    what_is_not_there_is_not_found,
);

/// Its saga waits for `go` and is stuck behind its pivot for as long as the signal says `no`.
const SHOP: ServiceDef = ServiceDef {
    name: "shop",
    migrations: &[],
    calls: &[],
    reads: &[],
    describe: || (Vec::new(), OpenApiBuilder::new().build()),
    keys: Vec::new,
    sealed: None,
    check_config: |_| Ok(()),
    build: |env: Env| -> Result<Service, BuildError> { Ok(Service { sagas: Some((env.sagas(), vec![sale()])), ..Service::default() }) },
};

fn sale() -> Definition {
    let go = Step::wait(
        "go",
        |_| contracts::Time(i64::MAX),
        |_, run| {
            *run.data = run.result.clone();
            Ok(Outcome::Done(Json::Null))
        },
    );
    let pivot = Step::local("sell", |_, _| Ok(Outcome::Done(Json::Null))).pivot();
    let deliver = Step::call("deliver", |call| async move {
        // It is refused once: a repeat is asked for when an operator has seen to it.
        if call.data == json!("no") { Outcome::Refused("closed".into()) } else { Outcome::Done(Json::Null) }
    });
    Definition { kind: "sale", version: 1, steps: vec![go, pivot, deliver], compensated: None }
}

/// Its jobs fail for good until the signal `open` is there.
const WORKS: ServiceDef = ServiceDef {
    name: "works",
    build: |env: Env| -> Result<Service, BuildError> {
        let db = env.db.clone();
        let deliver = JobDef::queued("deliver", move |_| {
            let db = db.clone();
            async move {
                let open = db.read(|q| q.row("SELECT key FROM own.signals WHERE key = 'open' ORDER BY key", &[])).await;
                match open {
                    Ok(Some(_)) => JobOutcome::Done,
                    Ok(None) => JobOutcome::Failed("closed".into()),
                    Err(e) => JobOutcome::Retry(e.to_string()),
                }
            }
        });
        Ok(Service { jobs: vec![deliver], ..Service::default() })
    },
    ..SHOP
};

type Client = OperatorClient<Channel>;

fn client(p: &TestPlatform, service: &'static str) -> Client {
    OperatorClient::new(p.channel(service))
}

async fn start(p: &TestPlatform, n: u128) -> Uuid {
    let sagas = p.platform().sagas("shop").unwrap().clone();
    let start = move |tx: &mut Tx| sagas.start(tx, "sale", &n.to_string(), Uuid::from_u128(n), json!(null), &[]);
    p.db("shop").write(start).await.unwrap()
}

async fn signal(p: &TestPlatform, n: u128, payload: &'static str) {
    let sagas = p.platform().sagas("shop").unwrap().clone();
    let key = Step::signal_key("go", Uuid::from_u128(n));
    p.db("shop").write(move |tx| sagas.signal(tx, &key, payload, json!(payload))).await.unwrap();
    p.settle().await;
}

async fn list(client: &mut Client, request: ListSagasRequest) -> Vec<Saga> {
    client.list_sagas(request).await.unwrap().into_inner().sagas
}

fn steps(saga: &Saga) -> Vec<String> {
    saga.steps.iter().map(|s| format!("{} {}", s.name, s.status)).collect()
}

async fn sagas_are_listed_newest_first_and_by_filter(engine: Engine) {
    let p = TestPlatform::start(engine, &[SHOP]).await;
    let mut client = client(&p, "shop");
    let mut ids = Vec::new();
    for n in 1..=3 {
        ids.push(start(&p, n).await.to_string());
    }
    let (signalled, waiting) = (ids[1].clone(), ids[2].clone());
    signal(&p, 2, "yes").await;
    // Those of one millisecond are in no order but that of their ids.
    ids.sort_by(|a, b| b.cmp(a));
    let all = list(&mut client, ListSagasRequest::default()).await;
    assert_eq!(all.iter().map(|s| s.id.clone()).collect::<Vec<_>>(), ids);
    let one = |id: &String| all.iter().find(|s| s.id == *id).unwrap();
    let done = one(&signalled);
    assert_eq!((done.r#type.as_str(), done.service.as_str(), done.status.as_str()), ("sale", "shop", "completed"));
    assert_eq!(steps(done), ["go done", "sell done", "deliver done"]);
    assert_eq!(steps(one(&waiting)), ["go running", "sell pending", "deliver pending"]);
    let page = list(&mut client, ListSagasRequest { limit: 1, before: ids[0].clone(), ..ListSagasRequest::default() }).await;
    assert_eq!(page.iter().map(|s| &s.id).collect::<Vec<_>>(), [&ids[1]]);
    let filters = [
        (ListSagasRequest { status: "waiting".into(), ..ListSagasRequest::default() }, 2),
        (ListSagasRequest { subject: Uuid::from_u128(3).to_string(), ..ListSagasRequest::default() }, 1),
        (ListSagasRequest { r#type: "other".into(), ..ListSagasRequest::default() }, 0),
    ];
    for (filter, count) in filters {
        assert_eq!(list(&mut client, filter.clone()).await.len(), count, "{filter:?}");
    }
    let odd = client.list_sagas(ListSagasRequest { status: "odd".into(), ..ListSagasRequest::default() }).await;
    assert_eq!(odd.unwrap_err().code(), Code::InvalidArgument);
}

async fn a_stuck_saga_is_taken_up(engine: Engine) {
    let p = TestPlatform::start(engine, &[SHOP]).await;
    let mut client = client(&p, "shop");
    let saga = start(&p, 1).await;
    let request = || SagaRequest { id: saga.to_string() };
    assert_eq!(client.retry_saga(request()).await.unwrap_err().code(), Code::FailedPrecondition);
    signal(&p, 1, "no").await;
    let stuck = client.get_saga(request()).await.unwrap().into_inner().saga.unwrap();
    assert_eq!((stuck.status.as_str(), stuck.reason.as_str()), ("stuck", "deliver: closed"));
    assert_eq!(stuck.steps[2].error, "closed");
    let opened = p.db("shop").write(move |tx| tx.execute("UPDATE own.sagas SET data = $2 WHERE id = $1", kit::params![saga, json!("yes")]));
    assert_eq!(opened.await, Ok::<_, kit::DbError>(1));
    client.retry_saga(request()).await.unwrap();
    p.settle().await;
    let done = client.get_saga(request()).await.unwrap().into_inner().saga.unwrap();
    assert_eq!(done.status, "completed");
    assert_eq!(steps(&done), ["go done", "sell done", "deliver done"]);
}

async fn a_saga_is_turned_back_before_its_pivot_only(engine: Engine) {
    let p = TestPlatform::start(engine, &[SHOP]).await;
    let mut client = client(&p, "shop");
    let (early, late) = (start(&p, 1).await, start(&p, 2).await);
    signal(&p, 2, "yes").await;
    let turned = client.compensate_saga(SagaRequest { id: early.to_string() }).await.unwrap().into_inner().saga.unwrap();
    assert_eq!((turned.status.as_str(), turned.reason.as_str()), ("compensated", "turned_back_by_operator"));
    assert_eq!(steps(&turned)[0], "go skipped");
    let refused = client.compensate_saga(SagaRequest { id: late.to_string() }).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(kit::problem::status_code_of(&refused), Some("saga_past_pivot"));
}

async fn dead_letters_are_seen_and_decided_on(engine: Engine) {
    let p = TestPlatform::start(engine, &[TALLY]).await;
    let mut client = client(&p, "tally");
    let mood = async |mood: &'static str| {
        let set = p.db("tally").write(move |tx| {
            tx.execute("DELETE FROM own.moods", &[])?;
            [1, 2]
                .into_iter()
                .try_for_each(|n| tx.execute("INSERT INTO own.moods (cart, mood) VALUES ($1, $2)", kit::params![cart(n), mood]).map(drop))
        });
        set.await.map_err(|e: kit::DbError| e).unwrap();
    };
    mood("never").await;
    publish(&p, vec![cart(1), cart(2)], 1).await;
    p.settle().await;
    let letters = client.list_dead_letters(ListDeadLettersRequest::default()).await.unwrap().into_inner().dead_letters;
    assert_eq!(letters.len(), 2);
    assert!(letters.iter().all(|l| l.error.contains("cursed") && l.subscriber == "tally" && l.source == "cart"), "{letters:?}");
    let groups = client.list_dead_letter_groups(ListDeadLetterGroupsRequest {}).await.unwrap().into_inner().groups;
    assert_eq!(groups.iter().map(|g| g.count).collect::<Vec<_>>(), [2]);

    let discard = DeadLetterRequest { id: letters[0].id.clone() };
    assert!(client.discard_dead_letter(discard.clone()).await.unwrap().into_inner().found);
    assert!(!client.discard_dead_letter(discard).await.unwrap().into_inner().found);
    let cleared = p.db("tally").write(|tx| tx.execute("DELETE FROM own.moods", &[])).await;
    cleared.map_err(|e: kit::DbError| e).unwrap();
    assert_eq!(client.retry_dead_letter_group(groups[0].clone()).await.unwrap().into_inner().count, 1);
    p.settle().await;
    let left = client.list_dead_letters(ListDeadLettersRequest::default()).await.unwrap().into_inner().dead_letters;
    assert_eq!(left, []);
    let effects = p.db("tally").read(|q| q.rows("SELECT cart FROM own.effects ORDER BY n", &[])).await;
    assert_eq!(effects.map_err(|e: kit::DbError| e).unwrap().len(), 1);
}

async fn dead_jobs_are_seen_and_tried_again(engine: Engine) {
    let p = TestPlatform::start(engine, &[WORKS]).await;
    let mut client = client(&p, "works");
    let queued = p.db("works").write(|tx| {
        let now = tx.now();
        ["first", "second"].into_iter().try_for_each(|key| kit::jobs::queue(tx, "deliver", key, json!({"to": "somebody"}), now))
    });
    queued.await.map_err(|e: kit::DbError| e).unwrap();
    p.settle().await;
    let list = |limit, before: &str| ListDeadJobsRequest { limit, before: before.to_owned() };
    let dead = client.list_dead_jobs(list(0, "")).await.unwrap().into_inner().dead_jobs;
    let mut keys: Vec<_> = dead.iter().map(|j| j.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["first", "second"]);
    assert!(dead[0].id > dead[1].id, "newest first");
    for job in &dead {
        assert_eq!((job.service.as_str(), job.kind.as_str(), job.error.as_str(), job.attempts), ("works", "deliver", "closed", 1));
        assert!(job.created_at > 0 && job.failed_at >= job.created_at, "{job:?}");
    }
    let page = client.list_dead_jobs(list(1, &dead[0].id)).await.unwrap().into_inner().dead_jobs;
    assert_eq!(page, [dead[1].clone()]);

    let retry = DeadJobRequest { id: dead[0].id.clone() };
    assert!(client.retry_dead_job(retry.clone()).await.unwrap().into_inner().found);
    p.settle().await;
    let again = client.list_dead_jobs(list(0, "")).await.unwrap().into_inner().dead_jobs;
    assert_eq!((again.len(), again[0].attempts), (2, 1), "it was tried, and is still closed");
    let opened = p.db("works").write(|tx| {
        let now = tx.now();
        tx.execute("INSERT INTO own.signals (key, id, payload, received_at) VALUES ('open', '1', $1, $2)", kit::params![json!(null), now])
    });
    opened.await.map_err(|e: kit::DbError| e).unwrap();
    assert!(client.retry_dead_job(retry.clone()).await.unwrap().into_inner().found);
    p.settle().await;
    assert!(!client.retry_dead_job(retry).await.unwrap().into_inner().found, "it is done");
    let left = client.list_dead_jobs(list(0, "")).await.unwrap().into_inner().dead_jobs;
    assert_eq!(left, [dead[1].clone()]);

    let discard = DeadJobRequest { id: dead[1].id.clone() };
    assert!(client.discard_dead_job(discard.clone()).await.unwrap().into_inner().found);
    assert!(!client.discard_dead_job(discard).await.unwrap().into_inner().found, "it is gone");
    assert_eq!(client.list_dead_jobs(list(0, "")).await.unwrap().into_inner().dead_jobs, []);
    let alive = p.db("works").write(|tx| {
        let now = tx.now();
        kit::jobs::queue(tx, "deliver", "third", json!(null), now.plus_seconds(60))?;
        tx.row("SELECT id FROM own.jobs WHERE key = 'third'", &[])?.map_or(Ok(Uuid::nil()), |r| r.get(0))
    });
    let alive: Uuid = alive.await.map_err(|e: kit::DbError| e).unwrap();
    let discard = DeadJobRequest { id: alive.to_string() };
    assert!(!client.discard_dead_job(discard).await.unwrap().into_inner().found, "it is not dead");
}

async fn a_log_is_read_part_by_part_up_to_where_it_went(engine: Engine) {
    let p = TestPlatform::start(engine, &[TALLY]).await;
    let mut client = client(&p, "cart");
    let empty = client.read_log(ReadLogRequest { place: None, limit: 2 }).await.unwrap().into_inner();
    assert_eq!((empty.events.len(), empty.next), (0, None));
    publish(&p, (1..=5).map(cart).collect(), 1).await;
    let (mut place, mut parts) = (None, Vec::new());
    loop {
        let part = client.read_log(ReadLogRequest { place, limit: 2 }).await.unwrap().into_inner();
        let events = part.events.iter().map(|text| serde_json::from_str::<Json>(text).unwrap());
        parts.push(events.map(|e| e["subject"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
        // It goes on being written meanwhile.
        publish(&p, vec![cart(6)], 1).await;
        place = part.next;
        if place.is_none() {
            break;
        }
    }
    let id = |n| cart(n).to_string();
    assert_eq!(parts, [vec![id(1), id(2)], vec![id(3), id(4)], vec![id(5)]]);
}

async fn what_is_not_there_is_not_found(engine: Engine) {
    let p = TestPlatform::start(engine, &[SHOP]).await;
    let mut client = client(&p, "shop");
    for id in ["", "x", "00000000-0000-0000-0000-000000000001"] {
        let id = || id.to_owned();
        let codes = [
            client.get_saga(SagaRequest { id: id() }).await.unwrap_err().code(),
            client.retry_saga(SagaRequest { id: id() }).await.unwrap_err().code(),
            client.compensate_saga(SagaRequest { id: id() }).await.unwrap_err().code(),
            client.get_replay(GetReplayRequest { id: id() }).await.unwrap_err().code(),
            client.cancel_replay(GetReplayRequest { id: id() }).await.unwrap_err().code(),
            client.start_replay(StartReplayRequest { read_model: id() }).await.unwrap_err().code(),
        ];
        assert_eq!(codes, [Code::NotFound; 6], "{}", id());
    }
}
