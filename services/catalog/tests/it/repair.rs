//! Stock that was damaged behind the catalog's back.

use contracts::proto::catalog::{CommitRequest, RepairStockRequest, ReserveLine, ReserveRequest, ShipRequest};
use kit::{Role, Tx};
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform};

use super::{SERVICES, client, made, product, store, text};

testing::both_engines!(what_is_right_stays, what_was_damaged_is_put_right_and_written_down);

/// On hand and reserved, each as found and as it should be.
async fn repair(p: &TestPlatform, dry_run: bool) -> Vec<(i64, i64, i64, i64)> {
    let found = client(p).repair_stock(RepairStockRequest { dry_run }).await.unwrap().into_inner().differences;
    found.into_iter().map(|d| (d.on_hand, d.on_hand_right, d.reserved, d.reserved_right)).collect()
}

async fn damage(p: &TestPlatform, sql: &'static str) {
    let changed = p.db("catalog").write(move |tx: &mut Tx| tx.execute(sql, &[])).await.unwrap();
    assert_eq!(changed, 1, "{sql}");
}

/// A product of which 10 came, 2 are held, and of 3 for another order all are shipped.
async fn sold(p: &TestPlatform) -> (kit::Caller, Json) {
    let mine = testing::user_with(&[Role::Vendor]);
    store(p, "looms", &mine).await;
    let shirt = made(p, &mine, product("shirt", 10)).await;
    let variant = text(&shirt["variants"][0]["id"]).to_owned();
    for (n, quantity) in [(1, 2), (2, 3)] {
        let reservation_id = format!("01900000-0000-7000-8000-00000000000{n}");
        let lines = vec![ReserveLine { variant_id: variant.clone(), quantity }];
        let request = ReserveRequest { reservation_id: reservation_id.clone(), lines, expires_at: 4_102_444_800_000_000 };
        assert_eq!(client(p).reserve(request).await.unwrap().into_inner().shortages, []);
        if n == 2 {
            client(p).commit(CommitRequest { reservation_id: reservation_id.clone() }).await.unwrap();
            client(p).ship(ShipRequest { reservation_id, variant_ids: vec![variant.clone()] }).await.unwrap();
        }
    }
    (mine, shirt)
}

async fn level(p: &TestPlatform, who: &kit::Caller, product: &Json) -> (Json, Json) {
    let path = format!("/api/v1/inventory/{}", text(&product["id"]));
    let found = p.send("GET", &path, who, None, &[]).await.expect(200).body["data"][0].clone();
    (found["onHand"].clone(), found["reserved"].clone())
}

async fn what_is_right_stays(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    assert_eq!(repair(&p, false).await, [], "where there is nothing, nothing is wrong");
    let (mine, shirt) = sold(&p).await;
    assert_eq!(repair(&p, false).await, []);
    assert_eq!(level(&p, &mine, &shirt).await, (json!(7), json!(2)));
}

async fn what_was_damaged_is_put_right_and_written_down(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, shirt) = sold(&p).await;
    let path = format!("/api/v1/inventory/{}/movements", text(&shirt["id"]));
    let newest = async || p.send("GET", &path, &mine, None, &[]).await.expect(200).body["data"][0].clone();
    damage(&p, "UPDATE catalog.stock SET on_hand = on_hand + 4, reserved = reserved - 1").await;
    for _ in 0..2 {
        assert_eq!(repair(&p, true).await, [(11, 7, 1, 2)]);
    }
    assert_eq!(level(&p, &mine, &shirt).await, (json!(11), json!(1)), "who only looks changes nothing");
    assert_eq!(repair(&p, false).await, [(11, 7, 1, 2)]);
    assert_eq!(level(&p, &mine, &shirt).await, (json!(7), json!(2)));
    let line = newest().await;
    assert_eq!((text(&line["kind"]), &line["delta"], &line["onHand"]), ("repaired", &json!(0), &json!(7)));
    assert_eq!(text(&line["reason"]), "there were 11 on hand and 1 reserved");
    assert_eq!(repair(&p, false).await, []);

    damage(&p, "DELETE FROM catalog.stock").await;
    assert_eq!(repair(&p, false).await, [(0, 7, 0, 2)]);
    assert_eq!(level(&p, &mine, &shirt).await, (json!(7), json!(2)));

    // What is reserved lies there, even where the ledger does not know it.
    damage(&p, "DELETE FROM catalog.stock_movements WHERE kind = 'received'").await;
    assert_eq!(repair(&p, false).await, [(7, 2, 2, 2)]);
    assert_eq!(newest().await["delta"], json!(5), "the movements come to what is on hand");
    assert_eq!(repair(&p, false).await, []);
}
