//! More shoppers than the database has time for.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use kit::{Caller, DbError};
use serde_json::json;
use testing::Engine;
use tokio::time::Instant;

use crate::shop::Shop;

/// PostgreSQL has a queue before its connections that works the same way; this holds the one writer of SQLite.
#[test]
fn who_has_begun_is_served_and_nobody_else_begins() {
    testing::run(async {
        let shop = Shop::open(Engine::Sqlite).await;
        let (begun, new) = (testing::guest(), Caller::default());
        shop.add(&begun, 0, 1).await;
        let db = shop.p.db("cart");
        let (release, held) = mpsc::channel::<()>();
        let (held, (begin, mut begins)) = (Mutex::new(held), tokio::sync::mpsc::unbounded_channel());
        let holding = tokio::spawn(db.write(move |_| {
            let _ = begin.send(());
            let _ = held.lock().unwrap().recv();
            Ok::<_, DbError>(())
        }));
        begins.recv().await.unwrap();
        let crowd: Vec<_> = (0..64).map(|_| tokio::spawn(db.write(|_| Ok::<_, DbError>(())))).collect();
        let body = |n: usize| Some(json!({"variantId": shop.variants[n], "quantity": 1}));
        let served = shop.p.send("POST", "/api/v1/cart/items", &begun, body(1), &[]);
        let refused = async {
            // From here on nobody is admitted; before that a part is.
            let full = Instant::now() + Duration::from_millis(100);
            while Instant::now() < full || db.admit().is_ok() {
                tokio::task::yield_now().await;
            }
            let answer = shop.p.send("POST", "/api/v1/cart/items", &new, body(0), &[]).await;
            assert_eq!((answer.header("retry-after"), &answer.body["code"]), ("1", &json!("overloaded")));
            drop(release);
            answer.expect(503);
        };
        let (served, ()) = tokio::join!(served, refused);
        served.expect(201);
        for write in crowd.into_iter().chain([holding]) {
            write.await.unwrap().unwrap();
        }
        assert_eq!(shop.quantities(&begun).await, [(0, 1), (1, 1)]);
        shop.p.send("POST", "/api/v1/cart/items", &new, body(0), &[]).await.expect(201);
    });
}
