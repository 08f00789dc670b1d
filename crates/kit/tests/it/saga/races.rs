//! Two want to move one saga: one does.

use std::time::Duration;

use futures::future::join_all;
use kit::DbError;
use kit::db::Fate;
use kit::saga::{Aborted, Status};
use serde_json::json;
use testing::{Engine, eventually};

use super::callee::Meets::{HeldAfter, HeldBefore};
use super::world::{Shape, World};

testing::both_engines!(
    who_wakes_up_late_writes_nothing,
    a_call_in_flight_is_undone_when_the_saga_is_turned_back,
    signals_and_waits_never_miss_each_other,
    a_signal_and_the_deadline_race_and_one_wins,
    starts_with_one_key_make_one_saga,
    turning_back_and_the_pivot_race_and_one_wins,
);

async fn who_wakes_up_late_writes_nothing(engine: Engine) {
    let world = World::on(engine, Shape { timeout: Duration::from_secs(120), ..Shape::default() }).await;
    world.callee.meets("charge", &[HeldAfter]);
    let saga = world.start("a").await;
    world.callee.held(1).await;
    // The process seems dead: its lease ends, and another one goes on, with the same key.
    let second = world.second().await;
    world.advance(Duration::from_secs(131));
    second.sagas().wake();
    eventually("the second process goes on", || async { second.sagas().settle(saga).await == Ok(Status::Waiting) }).await;
    let before = world.dump(saga).await;
    world.callee.let_go();
    eventually("the first process has given up", || async { world.sagas().is_idle().await == Ok(true) }).await;
    assert_eq!(world.dump(saga).await, before, "who lost its lease has written");
    world.pay("a", json!("paid")).await;
    assert_eq!(world.settle(saga).await, Status::Completed);
    world.assert_all(saga).await;
}

async fn a_call_in_flight_is_undone_when_the_saga_is_turned_back(engine: Engine) {
    for trouble in [HeldBefore, HeldAfter] {
        let world = World::on(engine, Shape::default()).await;
        world.callee.meets("charge", &[trouble]);
        let saga = world.start("a").await;
        world.callee.held(1).await;
        let sagas = world.sagas();
        let turned = world.db().write(move |tx| sagas.abort(tx, "sample", "a", "cancelled")).await;
        assert_eq!(turned, Ok(Aborted::Unwinding));
        assert_eq!(world.settle(saga).await, Status::Compensated);
        world.callee.let_go();
        world.assert_nothing(saga, "cancelled").await;
        eventually("the call has ended", || async { world.callee.passed() == 1 }).await;
        world.assert_nothing(saga, "cancelled").await;
        assert_eq!(world.settle(saga).await, Status::Compensated);
    }
}

async fn signals_and_waits_never_miss_each_other(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    let keys: Vec<_> = (0..40).map(|n| format!("k{n}")).collect();
    let one = async |key: &String| {
        let (saga, ()) = tokio::join!(world.start(key), world.pay(key, json!("paid")));
        eventually("the signal has arrived", || async { world.settle(saga).await == Status::Completed }).await;
    };
    join_all(keys.iter().map(one)).await;
}

async fn a_signal_and_the_deadline_race_and_one_wins(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    let second = world.second().await;
    let keys: Vec<_> = (0..20).map(|n| format!("k{n}")).collect();
    let mut sagas = Vec::new();
    for key in &keys {
        let saga = world.start(key).await;
        assert_eq!(world.settle(saga).await, Status::Waiting);
        sagas.push(saga);
    }
    let deadline = async {
        world.advance(Duration::from_secs(901));
        second.sagas().wake();
    };
    tokio::join!(deadline, join_all(keys.iter().map(|key| world.pay(key, json!("paid")))));
    for saga in sagas {
        let ended = [Status::Completed, Status::Compensated];
        eventually("the saga has ended", || async { ended.contains(&world.settle(saga).await) }).await;
        match world.settle(saga).await {
            Status::Completed => world.assert_all(saga).await,
            _ => world.assert_nothing(saga, "payment_overdue").await,
        }
    }
}

async fn starts_with_one_key_make_one_saga(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    let sagas = join_all((0..8).map(|_| world.start("a"))).await;
    assert!(sagas.iter().all(|saga| *saga == sagas[0]), "{sagas:?}");
    assert_eq!(world.settle(sagas[0]).await, Status::Waiting);
    assert_eq!(world.marks(sagas[0]).await["open"], 1);
}

async fn turning_back_and_the_pivot_race_and_one_wins(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    let one = async |key: String| {
        let saga = world.start(&key).await;
        world.settle(saga).await;
        let (sagas, name) = (world.sagas(), key.clone());
        let abort = world.db().write(move |tx| sagas.abort(tx, "sample", &name, "cancelled"));
        let (aborted, ()) = tokio::join!(abort, world.pay(&key, json!("paid")));
        match (aborted, world.settle(saga).await) {
            (Ok(Aborted::Unwinding), Status::Compensated) => world.assert_nothing(saga, "cancelled").await,
            (Ok(Aborted::TooLate), Status::Completed) => world.assert_all(saga).await,
            other => panic!("{other:?}"),
        }
    };
    join_all((0..20).map(|n| one(format!("k{n}")))).await;
}

/// The database was away for longer than the lease of whoever drove the saga.
#[test]
fn a_saga_whose_drive_ended_without_a_write_goes_on_when_its_lease_has_ended() {
    testing::run(async {
        let world = World::in_memory(&World::image().await, Shape::default()).await;
        world.callee.meets("reserve", &[HeldAfter]);
        let saga = world.start("a").await;
        world.callee.held(1).await;
        world.commits.lock().unwrap().push_back(Fate::Undone(DbError::StorageFull));
        world.pass(Duration::from_secs(41));
        world.callee.let_go();
        eventually("it waits for the payer", || async { world.sagas().settle(saga).await == Ok(Status::Waiting) }).await;
    });
}
