use contracts::proto::catalog::{CommitRequest, ReleaseRequest, ReserveLine, ReserveRequest, ShipRequest};
use contracts::{Time, VariantId};
use kit::DbError;
use testing::{Engine, TestPlatform};
use tonic::Code;
use uuid::Uuid;

use super::{SERVICES, client, variant};

testing::both_engines!(
    stock_is_held_once_and_given_back_once,
    a_release_that_comes_first_refuses_the_reservation,
    two_hundred_callers_share_ten_units,
    an_expired_reservation_is_taken_anew_while_stock_lasts,
    any_order_of_calls_keeps_stock_whole,
    what_is_shipped_leaves_once_and_is_not_given_back,
);

const FAR: Time = Time(4_000_000_000_000_000);

async fn reserve(p: &TestPlatform, id: Uuid, variant: VariantId, quantity: i64, expires_at: Time) -> Result<Vec<(i64, i64)>, Code> {
    let lines = vec![ReserveLine { variant_id: variant.to_string(), quantity }];
    let request = ReserveRequest { reservation_id: id.to_string(), lines, expires_at: expires_at.0 };
    let answer = client(p).reserve(request).await.map_err(|s| s.code())?.into_inner();
    Ok(answer.shortages.iter().map(|s| (s.requested, s.available)).collect())
}

async fn release(p: &TestPlatform, id: Uuid) {
    client(p).release(ReleaseRequest { reservation_id: id.to_string() }).await.unwrap();
}

async fn commit(p: &TestPlatform, id: Uuid) -> bool {
    client(p).commit(CommitRequest { reservation_id: id.to_string() }).await.unwrap().into_inner().held
}

async fn ship(p: &TestPlatform, id: Uuid, variant: VariantId) -> Result<(), Code> {
    let request = ShipRequest { reservation_id: id.to_string(), variant_ids: vec![variant.to_string()] };
    client(p).ship(request).await.map(drop).map_err(|s| s.code())
}

/// On hand and reserved, over all warehouses.
async fn levels(p: &TestPlatform, variant: VariantId) -> (i64, i64) {
    let read = p.db("catalog").read(move |q| {
        let sql = "SELECT CAST(SUM(on_hand) AS bigint), CAST(SUM(reserved) AS bigint) FROM catalog.stock WHERE variant_id = $1";
        let row = q.row(sql, kit::params![variant.0])?.expect("a sum has a row");
        Ok::<_, DbError>((row.get(0)?, row.get(1)?))
    });
    read.await.unwrap()
}

async fn stock_is_held_once_and_given_back_once(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (v, id) = (variant(&p, 10).await, Uuid::from_u128(1));
    for _ in 0..3 {
        assert_eq!(reserve(&p, id, v, 4, FAR).await, Ok(vec![]));
    }
    assert_eq!(levels(&p, v).await, (10, 4));
    assert_eq!(reserve(&p, Uuid::from_u128(2), v, 7, FAR).await, Ok(vec![(7, 6)]));
    assert_eq!(levels(&p, v).await, (10, 4), "a refusal holds nothing");
    assert!(commit(&p, id).await && commit(&p, id).await);
    for _ in 0..2 {
        release(&p, id).await;
        assert_eq!(levels(&p, v).await, (10, 0));
    }
    assert!(!commit(&p, id).await, "what was released cannot be committed");
}

async fn a_release_that_comes_first_refuses_the_reservation(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (v, id) = (variant(&p, 10).await, Uuid::from_u128(1));
    release(&p, id).await;
    assert_eq!(reserve(&p, id, v, 1, FAR).await, Err(Code::FailedPrecondition));
    assert_eq!(levels(&p, v).await, (10, 0));
}

async fn two_hundred_callers_share_ten_units(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let v = variant(&p, 10).await;
    let calls = (0..200).map(|n| reserve(&p, Uuid::from_u128(n), v, 1, FAR));
    let answers = futures::future::join_all(calls).await;
    let held = answers.iter().filter(|a| **a == Ok(vec![])).count();
    let short = answers.iter().filter(|a| **a == Ok(vec![(1, 0)])).count();
    assert_eq!((held, short), (10, 190));
    assert_eq!(levels(&p, v).await, (10, 10));
}

async fn an_expired_reservation_is_taken_anew_while_stock_lasts(engine: Engine) {
    let p = TestPlatform::start_with(engine, SERVICES, serde_json::json!({"catalog": {"expiry_interval_seconds": 1}})).await;
    let (v, first, second) = (variant(&p, 3).await, Uuid::from_u128(1), Uuid::from_u128(2));
    let soon = kit::Clock::system().now().plus_seconds(60);
    assert_eq!(reserve(&p, first, v, 2, soon).await, Ok(vec![]));
    assert_eq!(reserve(&p, second, v, 1, soon).await, Ok(vec![]));
    p.advance_seconds(120);
    let expired = async {
        while levels(&p, v).await.1 != 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), expired).await.expect("reservations expire by themselves");
    assert!(commit(&p, first).await, "there is stock, so a late commit still holds it");
    assert_eq!(levels(&p, v).await, (3, 2));
    assert_eq!(reserve(&p, Uuid::from_u128(3), v, 1, FAR).await, Ok(vec![]));
    assert!(!commit(&p, second).await, "its stock went to somebody else");
    assert_eq!(levels(&p, v).await, (3, 3));
}

/// Four reservations of one variant, thirty calls in an order drawn from a fixed seed, many at once: stock is never
/// over-reserved, and what is reserved is what the reservations hold.
async fn any_order_of_calls_keeps_stock_whole(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let v = variant(&p, 9).await;
    let dice = kit::Ids::seeded(7);
    for _ in 0..20 {
        let calls = (0..6).map(|_| {
            let (what, id) = (dice.bits() % 4, Uuid::from_u128(u128::from(dice.bits() % 4)));
            let p = &p;
            async move {
                match what {
                    0 | 1 => drop(reserve(p, id, v, 4, FAR).await),
                    2 => drop(commit(p, id).await),
                    _ => release(p, id).await,
                }
            }
        });
        futures::future::join_all(calls).await;
        let (on_hand, reserved) = levels(&p, v).await;
        assert!(on_hand == 9 && reserved <= 9 && reserved % 4 == 0, "{reserved} of {on_hand}");
    }
    for n in 0..4 {
        release(&p, Uuid::from_u128(n)).await;
    }
    assert_eq!(levels(&p, v).await, (9, 0));
}

async fn what_is_shipped_leaves_once_and_is_not_given_back(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (v, id) = (variant(&p, 10).await, Uuid::from_u128(1));
    assert_eq!(ship(&p, id, v).await, Err(Code::FailedPrecondition), "never reserved");
    reserve(&p, id, v, 4, FAR).await.unwrap();
    assert_eq!(ship(&p, id, v).await, Err(Code::FailedPrecondition), "not for good yet");
    assert!(commit(&p, id).await);
    ship(&p, id, VariantId(Uuid::from_u128(9))).await.unwrap();
    assert_eq!(levels(&p, v).await, (10, 4), "another part of the order");
    for _ in 0..3 {
        ship(&p, id, v).await.unwrap();
        assert_eq!(levels(&p, v).await, (6, 0));
    }
    release(&p, id).await;
    assert_eq!(levels(&p, v).await, (6, 0), "what has left does not come back by itself");
    assert_eq!(ship(&p, id, v).await, Err(Code::FailedPrecondition));
}
