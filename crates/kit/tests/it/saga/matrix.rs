//! Every call of the sample saga, and every undoing, meets every trouble there is.

use std::time::Duration;

use futures::future::join_all;
use kit::db::{Fate, Image};
use kit::saga::{Call, Outcome, Status, UNAVAILABLE};
use serde_json::{Value as Json, json};
use testing::Engine;
use uuid::Uuid;

use super::callee::Meets::{self, DiesAfter, DiesBefore, LostAfter, LostBefore, Panics, SilentAfter, SilentBefore, Twice};
use super::world::{Shape, World, subject};

testing::both_engines!(
    troubles_of_a_call_on_an_engine,
    troubles_of_an_undoing_on_an_engine,
    what_stays_unknown_is_undone_as_if_it_had_happened,
    a_call_that_arrives_after_its_undoing_is_refused,
    a_local_step_that_panics_is_given_up,
);

const TROUBLES: [Meets; 8] = [LostBefore, LostAfter, SilentBefore, SilentAfter, DiesBefore, DiesAfter, Panics, Twice];

/// One way through the sample saga.
#[derive(Clone, Debug)]
struct Way {
    /// Who meets what.
    troubles: Vec<(&'static str, Meets)>,
    /// What the payer says.
    payment: &'static str,
}

impl Way {
    fn shape(&self) -> Shape {
        let silent = self.troubles.iter().any(|(_, t)| matches!(t, SilentBefore | SilentAfter));
        if silent { Shape { timeout: Duration::from_millis(100), ..Shape::default() } } else { Shape::default() }
    }

    /// Goes the way; at its end all of it stands, or nothing.
    async fn go(self, world: World) {
        for (step, trouble) in &self.troubles {
            world.callee.meets(step, &[*trouble]);
        }
        world.pay("a", json!(self.payment)).await;
        let saga = world.start("a").await;
        let status = world.survive(saga).await;
        if self.payment == "paid" {
            assert_eq!(status, Status::Completed, "{self:?}");
            world.assert_all(saga).await;
        } else {
            assert_eq!(status, Status::Compensated, "{self:?}");
            world.assert_nothing(saga, "declined").await;
        }
    }
}

fn ways() -> Vec<Way> {
    let mut ways = Vec::new();
    for trouble in TROUBLES {
        for step in ["reserve", "charge", "notify"] {
            ways.push(Way { troubles: vec![(step, trouble)], payment: "paid" });
        }
        for step in ["reserve", "charge"] {
            ways.push(Way { troubles: vec![(step, trouble)], payment: "declined" });
            let undone_twice = vec![(step, trouble), ("reserve/undo", LostAfter), ("charge/undo", LostAfter)];
            ways.push(Way { troubles: undone_twice, payment: "declined" });
        }
        for step in ["reserve/undo", "charge/undo"] {
            ways.push(Way { troubles: vec![(step, trouble)], payment: "declined" });
        }
    }
    ways
}

#[test]
fn every_call_and_every_undoing_meets_every_trouble() {
    testing::run(async {
        let image = World::image().await;
        let go = async |way: Way| {
            let world = World::in_memory(&image, way.shape()).await;
            way.go(world).await;
        };
        assert_eq!(ways().len(), 8 * (3 + 4 + 2));
        join_all(ways().into_iter().map(go)).await;
    });
}

async fn troubles_of_a_call_on_an_engine(engine: Engine) {
    for trouble in [LostAfter, SilentBefore, DiesAfter] {
        let way = Way { troubles: vec![("charge", trouble)], payment: "paid" };
        let world = World::on(engine, way.shape()).await;
        way.go(world).await;
    }
}

async fn troubles_of_an_undoing_on_an_engine(engine: Engine) {
    for trouble in [LostAfter, DiesBefore] {
        let way = Way { troubles: vec![("charge", DiesBefore), ("reserve/undo", trouble)], payment: "declined" };
        let world = World::on(engine, way.shape()).await;
        way.go(world).await;
    }
}

async fn what_stays_unknown_is_undone_as_if_it_had_happened(engine: Engine) {
    for trouble in [LostBefore, LostAfter] {
        let world = World::on(engine, Shape { give_up_after: Duration::from_millis(50), ..Shape::default() }).await;
        world.callee.meets("charge", &[trouble; 20]);
        let saga = world.start("a").await;
        assert_eq!(world.settle(saga).await, Status::Compensated);
        world.assert_nothing(saga, UNAVAILABLE).await;
        let steps = world.steps(saga).await;
        assert!(steps.contains(&"charge unknown".into()) && steps.contains(&"charge compensated".into()), "{steps:?}");
    }
}

async fn a_call_that_arrives_after_its_undoing_is_refused(engine: Engine) {
    let world = World::on(engine, Shape { give_up_after: Duration::from_millis(50), ..Shape::default() }).await;
    world.callee.meets("charge", &[LostBefore; 20]);
    let saga = world.start("a").await;
    assert_eq!(world.settle(saga).await, Status::Compensated);
    let late = |key: String| Call { saga, subject: subject("a"), key, data: Json::Null };
    world.callee.forget("charge");
    let answer = world.callee.act("charge", late(format!("{saga}/charge"))).await;
    assert_eq!(answer, Outcome::Refused("undone".into()), "a late call leaks what it takes");
    assert_eq!(world.effects(saga).await, [""; 0]);
    let fresh = late(format!("{}/charge", Uuid::from_u128(1)));
    assert!(matches!(world.callee.act("charge", fresh).await, Outcome::Done(_)));
}

async fn a_local_step_that_panics_is_given_up(engine: Engine) {
    let world = World::on(engine, Shape { give_up_after: Duration::from_millis(50), ..Shape::default() }).await;
    let saga = world.start_with("a", json!({ "panic": "price" })).await;
    assert_eq!(world.settle(saga).await, Status::Compensated);
    world.assert_nothing(saga, UNAVAILABLE).await;
}

/// A world whose n-th commit ends like this goes the way of the sample saga to its end.
async fn with_commit(image: &Image, n: usize, fate: Fate, payment: &'static str) {
    let world = World::in_memory(image, Shape::default()).await;
    {
        let mut commits = world.commits.lock().unwrap();
        commits.extend(std::iter::repeat_n(Fate::Durable, n));
        commits.push_back(fate.clone());
    }
    // A process that is not told what became of a commit stops; whoever asked it asks the next one.
    while world.try_pay("a", json!(payment)).await.is_err() {
        world.restart().await;
    }
    let saga = loop {
        match world.try_start("a", json!({})).await {
            Ok(saga) => break saga,
            Err(_) => world.restart().await,
        }
    };
    let status = world.survive(saga).await;
    assert!(matches!(status, Status::Completed | Status::Compensated), "after commit {n} ended with {fate:?}: {status:?}");
    if payment == "paid" {
        world.assert_all(saga).await;
    } else {
        world.assert_nothing(saga, "declined").await;
    }
}

#[test]
fn a_commit_whose_answer_is_lost_is_neither_forgotten_nor_done_twice() {
    testing::run(async {
        let image = World::image().await;
        for n in 0..10 {
            for payment in ["paid", "declined"] {
                with_commit(&image, n, Fate::AnswerLost, payment).await;
                with_commit(&image, n, Fate::Undone(kit::DbError::StorageFull), payment).await;
            }
        }
    });
}
