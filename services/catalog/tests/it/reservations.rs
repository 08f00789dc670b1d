use contracts::proto::catalog::{CommitRequest, ReleaseRequest, ReserveLine, ReserveRequest, RestockRequest, ShipRequest};
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
    what_comes_back_goes_where_it_came_from,
    a_part_that_is_called_off_stays_off,
    stock_is_what_its_movements_say_whatever_races,
);

const FAR: Time = Time(4_000_000_000_000_000);

async fn reserve(p: &TestPlatform, id: Uuid, variant: VariantId, quantity: i64, expires_at: Time) -> Result<Vec<(i64, i64)>, Code> {
    let lines = vec![ReserveLine { variant_id: variant.to_string(), quantity }];
    let request = ReserveRequest { reservation_id: id.to_string(), lines, expires_at: expires_at.0 };
    let answer = client(p).reserve(request).await.map_err(|s| s.code())?.into_inner();
    Ok(answer.shortages.iter().map(|s| (s.requested, s.available)).collect())
}

async fn release(p: &TestPlatform, id: Uuid) {
    client(p).release(ReleaseRequest { reservation_id: id.to_string(), variant_ids: Vec::new() }).await.unwrap();
}

async fn commit(p: &TestPlatform, id: Uuid) -> bool {
    client(p).commit(CommitRequest { reservation_id: id.to_string() }).await.unwrap().into_inner().held
}

async fn ship(p: &TestPlatform, id: Uuid, variant: VariantId) -> Result<(), Code> {
    let request = ShipRequest { reservation_id: id.to_string(), variant_ids: vec![variant.to_string()] };
    client(p).ship(request).await.map(drop).map_err(|s| s.code())
}

async fn release_some(p: &TestPlatform, id: Uuid, variant: VariantId) -> Result<(), Code> {
    let request = ReleaseRequest { reservation_id: id.to_string(), variant_ids: vec![variant.to_string()] };
    client(p).release(request).await.map(drop).map_err(|s| s.code())
}

async fn restock(p: &TestPlatform, id: Uuid, return_id: u128, variant: VariantId, quantity: i64) -> Result<(), Code> {
    let lines = vec![ReserveLine { variant_id: variant.to_string(), quantity }];
    let request = RestockRequest { reservation_id: id.to_string(), return_id: Uuid::from_u128(return_id).to_string(), lines };
    client(p).restock(request).await.map(drop).map_err(|s| s.code())
}

/// A second warehouse with so many of a variant.
async fn second_warehouse(p: &TestPlatform, variant: VariantId, on_hand: i64) {
    let put = p.db("catalog").write(move |tx| {
        let warehouse = Uuid::from_u128(2);
        tx.execute("INSERT INTO catalog.warehouses (id, code, name) VALUES ($1, 'second', 'Second')", kit::params![warehouse])?;
        let sql = "INSERT INTO catalog.stock (variant_id, warehouse_id, on_hand, reserved) VALUES ($1, $2, $3, 0)";
        tx.execute(sql, kit::params![variant.0, warehouse, on_hand])?;
        let sql = "INSERT INTO catalog.stock_movements (id, product_id, variant_id, warehouse_id, kind, delta, on_hand, reason, created_at) \
                   SELECT $1, product_id, id, $2, 'received', $3, $3, 'test', $4 FROM catalog.variants WHERE id = $5";
        let (id, now) = (tx.id(), tx.now());
        tx.execute(sql, kit::params![id, warehouse, on_hand, now, variant.0]).map(drop)
    });
    put.await.unwrap();
}

/// Warehouses in which on hand is not the sum of the movements, or the last movement says otherwise.
async fn unproven(p: &TestPlatform) -> i64 {
    let read = p.db("catalog").read(|q| {
        let sql = "SELECT COUNT(*) FROM catalog.stock s WHERE s.on_hand <> \
            (SELECT COALESCE(SUM(m.delta), 0) FROM catalog.stock_movements m WHERE m.variant_id = s.variant_id AND m.warehouse_id = s.warehouse_id)";
        q.row(sql, &[])?.expect("a count has a row").get(0)
    });
    read.await.unwrap()
}

/// On hand and reserved by warehouse.
async fn by_warehouse(p: &TestPlatform, variant: VariantId) -> Vec<(i64, i64)> {
    let read = p.db("catalog").read(move |q| {
        let sql = "SELECT on_hand, reserved FROM catalog.stock WHERE variant_id = $1 ORDER BY warehouse_id";
        q.rows(sql, kit::params![variant.0])?.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect::<Result<Vec<_>, DbError>>()
    });
    read.await.unwrap()
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

async fn what_comes_back_goes_where_it_came_from(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (v, id) = (variant(&p, 4).await, Uuid::from_u128(1));
    second_warehouse(&p, v, 3).await;
    reserve(&p, id, v, 6, FAR).await.unwrap();
    assert_eq!(restock(&p, id, 7, v, 1).await, Err(Code::FailedPrecondition), "nothing has left yet");
    assert!(commit(&p, id).await);
    ship(&p, id, v).await.unwrap();
    let gone = by_warehouse(&p, v).await;
    assert_eq!(gone.iter().fold((0, 0), |sum, l| (sum.0 + l.0, sum.1 + l.1)), (1, 0));
    for _ in 0..3 {
        restock(&p, id, 7, v, 2).await.unwrap();
        assert_eq!(levels(&p, v).await, (3, 0));
    }
    assert_eq!(restock(&p, id, 8, v, 5).await, Err(Code::FailedPrecondition), "more than was shipped");
    restock(&p, id, 8, v, 4).await.unwrap();
    assert_eq!(by_warehouse(&p, v).await, [(3, 0), (4, 0)], "each warehouse has its own again");
    assert_eq!(restock(&p, Uuid::from_u128(2), 9, v, 1).await, Err(Code::FailedPrecondition), "no such reservation");
    assert_eq!(unproven(&p).await, 0);
}

async fn a_part_that_is_called_off_stays_off(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (v, id) = (variant(&p, 5).await, Uuid::from_u128(1));
    assert_eq!(release_some(&p, id, v).await, Err(Code::FailedPrecondition), "never reserved");
    reserve(&p, id, v, 2, FAR).await.unwrap();
    assert!(commit(&p, id).await);
    for _ in 0..2 {
        release_some(&p, id, v).await.unwrap();
        assert_eq!(levels(&p, v).await, (5, 0));
    }
    ship(&p, id, v).await.unwrap();
    assert_eq!(levels(&p, v).await, (5, 0), "nothing of it is left to ship");
    release(&p, id).await;
    assert_eq!((levels(&p, v).await, unproven(&p).await), ((5, 0), 0));
}

/// Six orders of one variant in two warehouses, with every call to them many times at once and in every order.
async fn stock_is_what_its_movements_say_whatever_races(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let v = variant(&p, 9).await;
    second_warehouse(&p, v, 8).await;
    let dice = kit::Ids::seeded(11);
    for _ in 0..15 {
        let calls = (0..8).map(|_| {
            let (what, id) = (dice.bits() % 9, Uuid::from_u128(u128::from(dice.bits() % 6)));
            let p = &p;
            async move {
                match what {
                    0 | 1 => drop(reserve(p, id, v, 5, FAR).await),
                    2 | 3 => drop(commit(p, id).await),
                    4 | 5 => drop(ship(p, id, v).await),
                    6 => drop(restock(p, id, 100 + id.as_u128(), v, 3).await),
                    7 => drop(release_some(p, id, v).await),
                    _ => release(p, id).await,
                }
            }
        });
        futures::future::join_all(calls).await;
        let (on_hand, reserved) = levels(&p, v).await;
        assert!((0..=on_hand).contains(&reserved) && reserved % 5 == 0, "{reserved} of {on_hand}");
        assert_eq!(unproven(&p).await, 0);
    }
    let moved = p.db("catalog").read(|q| {
        let sql = "SELECT kind, CAST(SUM(delta) AS bigint) FROM catalog.stock_movements GROUP BY kind ORDER BY kind";
        q.rows(sql, &[])?.iter().map(|r| Ok((r.get::<String>(0)?, r.get::<i64>(1)?))).collect::<Result<Vec<_>, DbError>>()
    });
    let moved = moved.await.unwrap();
    let of = |kind: &str| moved.iter().find(|(k, _)| k == kind).map_or(0, |(_, n)| *n);
    assert_eq!(levels(&p, v).await.0, of("received") + of("shipped") + of("restocked"));
    assert!(of("shipped") % 5 == 0 && of("restocked") % 3 == 0, "{moved:?}");
}
