//! The ways a saga goes when nothing is lost.

use std::time::Duration;

use kit::saga::{Aborted, Status, Step};
use kit::{DbError, Tx};
use serde_json::json;
use testing::Engine;

use super::callee::Meets;
use super::world::{Shape, World, subject};

testing::both_engines!(
    a_saga_runs_to_its_wait_and_a_signal_completes_it,
    a_refusal_before_the_pivot_undoes_what_was_done_in_reverse_order,
    a_local_refusal_undoes_as_well,
    an_answer_that_is_refused_here_is_undone_there,
    a_refusal_after_the_pivot_needs_an_operator,
    a_refusal_that_nobody_would_learn_of_needs_an_operator,
    a_signal_that_comes_before_the_wait_is_not_lost,
    signals_that_decide_nothing_are_waited_through,
    the_deadline_of_a_wait_is_kept,
    a_repeated_start_is_the_same_saga,
    steps_that_were_done_before_are_not_done_again_but_undone,
    it_can_be_turned_back_until_the_pivot,
    a_saga_that_needs_an_operator_can_be_taken_up,
);

async fn a_saga_runs_to_its_wait_and_a_signal_completes_it(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    let saga = world.start("a").await;
    assert_eq!(world.settle(saga).await, Status::Waiting);
    assert_eq!(world.steps(saga).await, ["open done", "reserve done", "price done", "charge done", "payment running"]);
    world.pay("a", json!("paid")).await;
    assert_eq!(world.settle(saga).await, Status::Completed);
    world.assert_all(saga).await;
    assert_eq!(world.sagas().is_idle().await, Ok(true));
}

async fn a_refusal_before_the_pivot_undoes_what_was_done_in_reverse_order(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    world.callee.meets("charge", &[Meets::Refused]);
    let saga = world.start("a").await;
    assert_eq!(world.settle(saga).await, Status::Compensated);
    let steps =
        ["open done", "reserve done", "price done", "charge failed", "price compensated", "reserve compensated", "open compensated"];
    assert_eq!(world.steps(saga).await, steps);
    world.assert_nothing(saga, "refused").await;
    assert_eq!(world.reason(saga).await.as_deref(), Some("refused"));
}

async fn a_local_refusal_undoes_as_well(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    let saga = world.start_with("a", json!({ "refuse": "price" })).await;
    assert_eq!(world.settle(saga).await, Status::Compensated);
    assert_eq!(world.steps(saga).await, ["open done", "reserve done", "price failed", "reserve compensated", "open compensated"]);
    world.assert_nothing(saga, "no_price").await;
}

async fn an_answer_that_is_refused_here_is_undone_there(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    let saga = world.start_with("a", json!({ "refuse": "charge" })).await;
    assert_eq!(world.settle(saga).await, Status::Compensated);
    assert!(world.steps(saga).await.contains(&"charge compensated".to_owned()));
    world.assert_nothing(saga, "unwanted").await;
}

async fn a_refusal_after_the_pivot_needs_an_operator(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    world.callee.meets("notify", &[Meets::Refused]);
    let saga = world.start("a").await;
    world.pay("a", json!("paid")).await;
    assert_eq!(world.settle(saga).await, Status::Stuck);
    assert_eq!(world.effects(saga).await, ["charge", "reserve"]);
    assert_eq!(world.reason(saga).await.as_deref(), Some("notify: refused"));
}

async fn a_refusal_that_nobody_would_learn_of_needs_an_operator(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    world.callee.meets("give", &[Meets::Refused]);
    let saga = world.start_one_way("a").await;
    assert_eq!(world.settle(saga).await, Status::Stuck);
    assert_eq!(world.steps(saga).await, ["give failed"]);
    assert_eq!(world.reason(saga).await.as_deref(), Some("give: refused"));
}

async fn a_signal_that_comes_before_the_wait_is_not_lost(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    world.pay("a", json!("paid")).await;
    world.pay("a", json!("paid")).await;
    let saga = world.start("a").await;
    assert_eq!(world.settle(saga).await, Status::Completed);
    world.assert_all(saga).await;
}

async fn signals_that_decide_nothing_are_waited_through(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    world.pay("a", json!("later")).await;
    let saga = world.start("a").await;
    assert_eq!(world.settle(saga).await, Status::Waiting);
    world.pay("a", json!("later")).await;
    assert_eq!(world.settle(saga).await, Status::Waiting);
    world.pay("a", json!("paid")).await;
    assert_eq!(world.settle(saga).await, Status::Completed);
    world.assert_all(saga).await;
}

async fn the_deadline_of_a_wait_is_kept(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    let (late, paid) = (world.start("late").await, world.start("paid").await);
    assert_eq!((world.settle(late).await, world.settle(paid).await), (Status::Waiting, Status::Waiting));
    world.pay("paid", json!("paid")).await;
    world.advance(Duration::from_secs(901));
    testing::eventually("the deadline is kept", || async { world.settle(late).await == Status::Compensated }).await;
    world.assert_nothing(late, "payment_overdue").await;
    // Money that comes afterwards is the aggregate's business: the signal is kept, and moves nothing.
    world.pay("late", json!("paid")).await;
    assert_eq!((world.settle(late).await, world.settle(paid).await), (Status::Compensated, Status::Completed));
}

async fn a_repeated_start_is_the_same_saga(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    let saga = world.start("a").await;
    assert_eq!(world.start("a").await, saga);
    world.settle(saga).await;
    assert_eq!(world.start("a").await, saga);
    assert_eq!(world.marks(saga).await["open"], 1);
}

async fn steps_that_were_done_before_are_not_done_again_but_undone(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    world.callee.meets("charge", &[Meets::Refused]);
    let sagas = world.sagas();
    let start = move |tx: &mut Tx| {
        let done = [("open", json!(null)), ("reserve", json!("before"))];
        sagas.start(tx, "sample", "a", subject("a"), json!({}), &done)
    };
    let saga = world.db().write(start).await.unwrap();
    assert_eq!(world.settle(saga).await, Status::Compensated);
    let keys: Vec<_> = world.callee.calls().await.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [format!("{saga}/charge"), format!("{saga}/reserve")], "the undoing of reserve is known, its doing is not");
    let sagas = world.sagas();
    let wrong = move |tx: &mut Tx| sagas.start(tx, "sample", "b", subject("b"), json!({}), &[("reserve", json!(1))]);
    assert!(matches!(world.db().write(wrong).await, Err(DbError::Internal(_))));
}

async fn it_can_be_turned_back_until_the_pivot(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    let abort = async |key: &'static str| {
        let sagas = world.sagas();
        world.db().write(move |tx| sagas.abort(tx, "sample", key, "cancelled")).await
    };
    let waiting = world.start("waiting").await;
    world.settle(waiting).await;
    assert_eq!(abort("waiting").await, Ok(Aborted::Unwinding));
    assert_eq!(abort("waiting").await, Ok(Aborted::Unwinding));
    assert_eq!(world.settle(waiting).await, Status::Compensated);
    world.assert_nothing(waiting, "cancelled").await;
    assert_eq!(abort("waiting").await, Ok(Aborted::Unwinding));
    assert_eq!(abort("never").await, Ok(Aborted::Missing));

    world.callee.meets("notify", &[Meets::Refused]);
    let stuck = world.start("stuck").await;
    world.pay("stuck", json!("paid")).await;
    assert_eq!(world.settle(stuck).await, Status::Stuck);
    assert_eq!(abort("stuck").await, Ok(Aborted::TooLate));

    let done = world.start("done").await;
    world.pay("done", json!("paid")).await;
    assert_eq!(world.settle(done).await, Status::Completed);
    assert_eq!(abort("done").await, Ok(Aborted::TooLate));
    world.assert_all(done).await;
}

async fn a_saga_that_needs_an_operator_can_be_taken_up(engine: Engine) {
    let world = World::on(engine, Shape { attempts_max: 2, ..Shape::default() }).await;
    world.callee.meets("notify", &[Meets::LostBefore, Meets::LostBefore]);
    let saga = world.start("a").await;
    world.pay("a", json!("paid")).await;
    assert_eq!(world.settle(saga).await, Status::Stuck);
    assert_eq!(world.reason(saga).await.as_deref(), Some("notify: connection lost"));
    assert_eq!(world.sagas().retry(saga).await, Ok(kit::saga::Retried::Moving));
    assert_eq!(world.settle(saga).await, Status::Completed);
    assert_eq!(world.sagas().retry(saga).await, Ok(kit::saga::Retried::NotStuck(Status::Completed)));
    world.assert_all(saga).await;

    // The same on the way back: the code it unwinds for is not forgotten.
    world.callee.meets("reserve/undo", &[Meets::Refused]);
    world.callee.meets("charge", &[Meets::Refused]);
    let saga = world.start("b").await;
    assert_eq!(world.settle(saga).await, Status::Stuck);
    let view = world.sagas().get(saga).await.unwrap().unwrap();
    assert_eq!(view.reason.as_deref(), Some("refused; reserve cannot be undone: not_undoable"));
    let steps: Vec<_> = view.steps.iter().map(|s| format!("{} {}", s.name, s.status)).collect();
    let shown = [
        "open done",
        "reserve failed",
        "price compensated",
        "charge failed",
        "payment pending",
        "confirm pending",
        "notify pending",
        "finish pending",
    ];
    assert_eq!(steps, shown);
    assert_eq!(world.sagas().retry(saga).await, Ok(kit::saga::Retried::Moving));
    assert_eq!(world.settle(saga).await, Status::Compensated);
    world.assert_nothing(saga, "refused").await;
}

#[test]
fn a_signal_is_named_by_step_and_subject() {
    assert_eq!(Step::signal_key("payment", uuid::Uuid::from_u128(1)), "payment/00000000-0000-0000-0000-000000000001");
}
