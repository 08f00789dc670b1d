//! Who gives the answers of a batch, and to how many at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kit::db::{Database, migrate};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::sqlite::hold;
use super::{Bed, STEPS, add, ids, service};

#[tokio::test]
async fn whoever_comes_with_the_first_answer_does_not_wait_for_all() {
    let bed = Bed::new().await;
    let (release, held) = hold(&bed).await;
    let (answered, first) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
    let (seen, came) = (answered.clone(), first.clone());
    let comer = tokio::spawn(async move {
        came.notified().await;
        seen.load(Ordering::SeqCst)
    });
    let write = |id| {
        let (write, answered, first) = (add(&bed.db, id), answered.clone(), first.clone());
        tokio::spawn(async move {
            write.await.unwrap();
            answered.fetch_add(1, Ordering::SeqCst);
            first.notify_one();
        })
    };
    let writes: Vec<_> = (1..=64).map(write).collect();
    tokio::task::yield_now().await;
    drop(release);
    held.await.unwrap().unwrap();
    for write in writes {
        write.await.unwrap();
    }
    let before = comer.await.unwrap();
    assert!((1..=16).contains(&before), "{before} of 64 were answered before");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn without_the_runtime_that_opened_it_the_writer_answers_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let opened_by_none = Database::sqlite(&folder.path().join("none.db")).unwrap();
    let opened_by_another = runtime().block_on(async { Database::sqlite(&folder.path().join("another.db")).unwrap() });
    for database in [opened_by_none, opened_by_another] {
        let stored = runtime().block_on(async {
            migrate(&database, "orders", STEPS).await.unwrap();
            let db = service(&database, "orders");
            add(&db, 1).await.unwrap();
            ids(&db).await
        });
        assert_eq!(stored, [1]);
    }
}
