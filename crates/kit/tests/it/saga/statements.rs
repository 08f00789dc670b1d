//! What a saga costs: transactions and statements are the figures to watch.

use kit::saga::Status;
use serde_json::json;
use testing::{Engine, eventually};

use super::world::{Shape, World};

testing::both_engines!(a_step_costs_one_transaction_and_few_statements);

async fn a_step_costs_one_transaction_and_few_statements(engine: Engine) {
    let world = World::on(engine, Shape::default()).await;
    let caller = |world: &World| world.counts().services["caller"];
    eventually("the timer has had its first look", || async { caller(&world).reads >= 2 }).await;

    let before = caller(&world);
    let saga = world.start("a").await;
    assert_eq!(world.settle(saga).await, Status::Waiting);
    let waiting = caller(&world);
    assert_eq!(waiting.transactions - before.transactions, 3, "start with open, reserve with price, charge with the wait");
    world.pay("a", json!("paid")).await;
    assert_eq!(world.settle(saga).await, Status::Completed);
    let completed = caller(&world);
    assert_eq!(completed.transactions - waiting.transactions, 2, "the signal with confirm, notify with finish");
    if engine == Engine::Sqlite {
        // Of these the steps themselves write one each: open; price; charged. PostgreSQL locks the signal besides.
        assert_eq!(waiting.writing_statements() - before.writing_statements(), 4 + 3 + 4);
        // Confirm; finish.
        assert_eq!(completed.writing_statements() - waiting.writing_statements(), 5 + 3);
    }
}
