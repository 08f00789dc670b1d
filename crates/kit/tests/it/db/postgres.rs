use kit::db::{Counts, Database};
use kit::{DbError, params};
use testing::{Fresh, fresh_database};

use super::{Bed, STEPS, add, ids, insert, service};

struct Server {
    bed: Bed,
    #[allow(dead_code, reason = "dropped after the bed")]
    fresh: Fresh,
}

async fn start() -> Server {
    let fresh = fresh_database();
    let database = Database::postgres(&fresh.url(), 4).unwrap();
    let bed = Bed::on(database, tempfile::tempdir().unwrap(), STEPS).await.unwrap();
    Server { bed, fresh }
}

#[tokio::test]
async fn a_service_reaches_its_own_schema_and_no_other() {
    let server = start().await;
    let cart = service(&server.bed.database, "cart");
    add(&cart, 7).await.unwrap();
    for sql in [
        "SELECT id FROM cart.items ORDER BY id",
        "INSERT INTO cart.items (id, name, quantity) VALUES (1, 'x', 1)",
        "UPDATE cart.items SET quantity = 5",
        "DELETE FROM cart.items",
        "DROP TABLE cart.items",
        "CREATE TABLE cart.more (id bigint)",
    ] {
        let refused = server.bed.db.write(move |tx| tx.execute(sql, &[])).await;
        assert!(matches!(&refused, Err(DbError::Internal(e)) if e.contains("42501")), "{sql}: {refused:?}");
    }
    add(&server.bed.db, 1).await.unwrap();
    assert_eq!((ids(&server.bed.db).await, ids(&cart).await), (vec![1], vec![7]));
}

#[tokio::test]
async fn a_budget_that_does_not_fit_is_refused_at_the_start() {
    let fresh = fresh_database();
    let Err(DbError::Unavailable(reason)) = Database::postgres(&fresh.url(), 5_000) else { panic!("it fits?") };
    assert!(reason.contains("a budget of 5000 connections does not fit"), "{reason}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let Err(DbError::Unavailable(reason)) = Database::postgres("postgresql://postgres@127.0.0.1:1/haat", 1) else { panic!("a server?") };
    assert!(reason.contains("refused"), "{reason}");
}

#[tokio::test]
async fn statements_and_transactions_are_counted_alike() {
    let server = start().await;
    let before: Counts = server.bed.database.counts();
    add(&server.bed.db, 1).await.unwrap();
    let refused = server.bed.db.write(|tx| {
        insert(tx, 2)?;
        Err::<(), _>(DbError::Overloaded)
    });
    assert_eq!(refused.await, Err(DbError::Overloaded));
    ids(&server.bed.db).await;
    let done = server.bed.database.counts().since(&before);
    let total = done.total();
    assert_eq!((total.transactions, total.refusals, total.reads, total.statements, done.flushes), (1, 1, 1, 3, 1));
}

#[tokio::test]
async fn constraints_are_named() {
    let server = start().await;
    add(&server.bed.db, 1).await.unwrap();
    let unique = server.bed.db.write(|tx| tx.execute("INSERT INTO own.items (id, name, quantity) VALUES (2, $1, 1)", params!["item 1"]));
    assert_eq!(unique.await, Err(DbError::Unique("items_name_key".into())));
    let check = server.bed.db.write(|tx| tx.execute("UPDATE own.items SET quantity = quantity - 5", &[]));
    assert_eq!(check.await, Err(DbError::Check("items_quantity_check".into())));
}
