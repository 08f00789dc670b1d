use std::sync::{Arc, Mutex};
use std::time::Duration;

use kit::db::{Database, Disk, Fate, Flush, migrate};
use kit::{Clock, Db, DbError, Ids};

use super::{STEPS, add, ids, insert, service};

/// A disk with the tables, as flushed.
async fn disk() -> Disk {
    let disk = Disk::empty().unwrap();
    let database = Database::inline(&disk, |_| Flush::PLAIN);
    migrate(&database, "orders", STEPS).await.unwrap();
    disk
}

fn with_fate(disk: &Disk, fate: Fate) -> Db {
    service(&Database::inline(disk, move |_| Flush { fate: fate.clone(), ..Flush::PLAIN }), "orders")
}

#[tokio::test]
async fn a_batch_is_one_event() {
    let disk = disk().await;
    let long = Flush { after: Duration::from_millis(20), ..Flush::PLAIN };
    let database = Database::inline(&disk, move |_| long.clone());
    let db = service(&database, "orders");
    let before = database.counts();
    let writes: Vec<_> = (1..=10).map(|id| add(&db, id)).collect();
    assert_eq!(ids(&db).await, [0; 0], "a read saw what is not flushed");
    for write in writes {
        write.await.unwrap();
    }
    assert_eq!(ids(&db).await.len(), 10);
    let done = database.counts().since(&before);
    assert_eq!((done.flushes, done.total().transactions), (1, 10));
}

#[tokio::test]
async fn a_batch_is_as_large_as_decided() {
    let disk = disk().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let database = Database::inline(&disk, move |waiting| {
        told.lock().unwrap().push(waiting);
        Flush { size: 4, ..Flush::PLAIN }
    });
    let db = service(&database, "orders");
    let before = database.counts();
    let writes: Vec<_> = (1..=10).map(|id| add(&db, id)).collect();
    for write in writes {
        write.await.unwrap();
    }
    assert_eq!(database.counts().since(&before).flushes, 3);
    assert_eq!(*seen.lock().unwrap(), [1, 6, 2]);
}

#[tokio::test]
async fn a_crash_leaves_what_was_flushed_and_nothing_else() {
    let disk = disk().await;
    add(&with_fate(&disk, Fate::Durable), 1).await.unwrap();
    let long = Flush { after: Duration::from_millis(20), ..Flush::PLAIN };
    let crashed = service(&Database::inline(&disk, move |_| long.clone()), "orders");
    let lost = add(&crashed, 2);
    let db = with_fate(&disk, Fate::Durable);
    assert!(matches!(lost.await, Err(DbError::Unavailable(_))));
    assert!(matches!(add(&crashed, 3).await, Err(DbError::Unavailable(_))), "a crashed process writes");
    add(&db, 4).await.unwrap();
    assert_eq!(ids(&db).await, [1, 4]);
}

#[tokio::test]
async fn a_commit_can_be_lost_with_and_without_its_effect() {
    let disk = disk().await;
    assert!(matches!(add(&with_fate(&disk, Fate::AnswerLost), 1).await, Err(DbError::Unknown(_))));
    let undone = DbError::Unknown("the disk fails".into());
    assert_eq!(add(&with_fate(&disk, Fate::Undone(undone.clone())), 2).await, Err(undone));
    assert_eq!(add(&with_fate(&disk, Fate::Undone(DbError::StorageFull)), 3).await, Err(DbError::StorageFull));
    assert_eq!(ids(&with_fate(&disk, Fate::Durable)).await, [1]);
}

#[tokio::test]
async fn disks_made_from_one_image_are_apart() {
    let image = disk().await.image().unwrap();
    for id in [1, 2] {
        let db = with_fate(&Disk::from_image(&image).unwrap(), Fate::Durable);
        add(&db, id).await.unwrap();
        assert_eq!(ids(&db).await, [id]);
    }
}

/// What three callers see of each other when batches and fates come from a seed.
async fn history(seed: u64) -> Vec<String> {
    let disk = disk().await;
    let chance = Ids::seeded(seed);
    let database = Database::inline(&disk, move |waiting| Flush {
        size: 1 + usize::try_from(chance.bits() % 3).unwrap(),
        after: Duration::ZERO,
        fate: if chance.bits() % 4 == waiting as u64 % 4 { Fate::AnswerLost } else { Fate::Durable },
    });
    let db = database.for_service("orders", Clock::system(), Ids::seeded(seed), bus::Local::new());
    let history = Arc::new(Mutex::new(Vec::new()));
    let callers: Vec<_> = (0..3_i64)
        .map(|caller| {
            let (db, history) = (db.clone(), history.clone());
            tokio::spawn(async move {
                for n in 0..10 {
                    let written = db.write(move |tx| insert(tx, caller * 100 + n)).await;
                    let line = format!("{caller}.{n}: {written:?}, {:?}", ids(&db).await);
                    history.lock().unwrap().push(line);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    Arc::try_unwrap(history).unwrap().into_inner().unwrap()
}

#[tokio::test]
async fn one_seed_gives_one_history() {
    let first = history(7).await;
    assert_eq!(first, history(7).await);
    assert_ne!(first, history(8).await);
}
