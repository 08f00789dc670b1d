//! Whatever happens, a saga ends, and what it did stands whole or not at all.

use std::time::Duration;

use futures::future::join_all;
use kit::db::{Fate, Image};
use kit::saga::{Aborted, Status};
use proptest::prelude::*;
use serde_json::json;

use super::callee::Meets;
use super::world::{Shape, World};

/// What happens to one saga.
#[derive(Clone, Debug)]
struct Script {
    meets: Vec<(&'static str, Vec<Meets>)>,
    data: Option<(&'static str, &'static str)>,
    payment: Option<&'static str>,
    turned_back: bool,
    commits: Vec<Fate>,
}

fn script() -> impl Strategy<Value = Script> {
    use Meets::{DiesAfter, DiesBefore, LostAfter, LostBefore, Panics, Refused, SilentAfter, SilentBefore, Twice};
    let trouble = prop::sample::select(vec![
        LostBefore,
        LostAfter,
        LostAfter,
        SilentBefore,
        SilentAfter,
        DiesBefore,
        DiesAfter,
        Panics,
        Twice,
        Twice,
        Refused,
    ]);
    let troubles = prop::collection::vec(trouble, 0..3);
    let steps = ["reserve", "charge", "notify", "reserve/undo", "charge/undo"].map(|step| troubles.clone().prop_map(move |t| (step, t)));
    let data = prop::option::weighted(0.3, prop::sample::select(vec![("refuse", "price"), ("refuse", "charge"), ("panic", "price")]));
    let payment = prop::option::weighted(0.8, prop::sample::select(vec!["paid", "paid", "paid", "declined", "later"]));
    let commit = prop_oneof![
        6 => Just(Fate::Durable),
        1 => Just(Fate::AnswerLost),
        1 => Just(Fate::Undone(kit::DbError::Unknown("the disk fails".into()))),
    ];
    let commits = prop::collection::vec(commit, 0..12);
    (steps.to_vec(), data, payment, prop::bool::weighted(0.2), commits).prop_map(|(meets, data, payment, turned_back, commits)| Script {
        meets,
        data,
        payment,
        turned_back,
        commits,
    })
}

async fn play(image: &Image, script: &Script) -> Result<(), TestCaseError> {
    let milliseconds = Duration::from_millis;
    let shape = Shape { timeout: milliseconds(60), give_up_after: milliseconds(500), attempts_max: 8, deadline_ms: 300 };
    let world = World::in_memory(image, shape).await;
    for (step, meets) in &script.meets {
        world.callee.meets(step, meets);
    }
    world.commits.lock().unwrap().extend(script.commits.iter().cloned());
    let data = script.data.map_or_else(|| json!({}), |(what, step)| json!({ what: step }));
    let saga = loop {
        match world.try_start("a", data.clone()).await {
            Ok(saga) => break saga,
            // It may be the process that died.
            Err(_) => world.restart().await,
        }
    };
    if let Some(payment) = script.payment {
        while world.try_pay("a", json!(payment)).await.is_err() {
            world.restart().await;
        }
    }
    if script.turned_back {
        let sagas = world.sagas();
        // Whether it is in time does not matter here.
        let _: Result<Aborted, kit::DbError> = world.db().write(move |tx| sagas.abort(tx, "sample", "a", "cancelled")).await;
    }
    let ended = loop {
        let status = tokio::time::timeout(Duration::from_secs(60), world.survive(saga)).await;
        match status.map_err(|_| TestCaseError::fail("the saga does not end"))? {
            Status::Waiting => tokio::task::yield_now().await,
            status => break status,
        }
    };
    match ended {
        Status::Completed => world.assert_all(saga).await,
        Status::Compensated => {
            let code = world.reason(saga).await.unwrap_or_default();
            world.assert_nothing(saga, &code).await;
        }
        Status::Stuck => {
            let marks = world.marks(saga).await;
            let (confirmed, failed) = (marks.contains_key("confirm"), marks.keys().any(|m| m.starts_with("failed")));
            prop_assert!(!failed, "a stuck saga was told that it failed");
            if confirmed {
                let effects = world.effects(saga).await;
                prop_assert!(["charge", "reserve"].iter().all(|e| effects.contains(&(*e).to_owned())), "{:?}", effects);
            }
        }
        other => prop_assert!(false, "it ended as {:?}", other),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, ..ProptestConfig::default() })]

    // Many at once: most of their time they wait.
    #[test]
    fn a_saga_ends_whole_or_not_at_all(scripts in prop::collection::vec(script(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let image = World::image().await;
            join_all(scripts.iter().map(|script| play(&image, script))).await.into_iter().collect::<Result<(), _>>()
        })?;
    }
}
