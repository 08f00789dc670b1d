//! Carts that nobody comes back to.

use contracts::proto::cart::cart_client::CartClient;
use contracts::proto::cart::{CheckOutRequest, Line};
use kit::{Caller, DbError, Ids};
use serde_json::json;
use testing::{Engine, redact};

use crate::shop::{Shop, text};

testing::both_engines!(
    a_guests_cart_ends_after_a_week_and_a_users_after_ninety_days,
    every_change_keeps_a_cart_longer,
    a_cart_that_was_taken_over_is_kept_as_the_users,
    which_cart_became_which_order_is_forgotten_in_time,
);

const DAY: i64 = 24 * 3_600;

/// Some days pass, and the carts that are over end.
async fn pass(shop: &Shop, days: i64) {
    shop.p.advance_seconds(days * DAY);
    shop.p.settle().await;
}

async fn a_guests_cart_ends_after_a_week_and_a_users_after_ninety_days(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (me, guest) = (testing::user(), testing::guest());
    for who in [&me, &guest] {
        shop.add(who, 0, 2).await;
        shop.add(who, 1, 1).await;
    }
    pass(&shop, 6).await;
    assert_eq!((shop.quantities(&guest).await.len(), shop.told("cart.abandoned").await), (2, 0));
    pass(&shop, 2).await;
    assert_eq!((shop.quantities(&guest).await.len(), shop.told("cart.abandoned").await), (0, 1));
    pass(&shop, 81).await;
    assert_eq!((shop.quantities(&me).await.len(), shop.told("cart.abandoned").await), (2, 1), "once, and not the user's");
    pass(&shop, 2).await;
    assert_eq!((shop.quantities(&me).await.len(), shop.told("cart.abandoned").await), (0, 2));
    pass(&shop, 100).await;
    let abandoned: Vec<_> = shop.events().await.into_iter().filter(|(kind, _)| kind == "cart.abandoned").map(|(_, data)| data).collect();
    assert_eq!(
        (abandoned.len(), &abandoned[0]["userId"], &abandoned[1]["userId"]),
        (2, &json!(null), &json!(me.user.as_ref().unwrap().id))
    );
    insta::assert_compact_json_snapshot!("abandoned", redact(&abandoned[1]));
}

async fn every_change_keeps_a_cart_longer(engine: Engine) {
    let shop = Shop::open(engine).await;
    let guest = testing::guest();
    shop.add(&guest, 0, 1).await;
    pass(&shop, 6).await;
    let cart = shop.add(&guest, 1, 1).await;
    pass(&shop, 6).await;
    let path = |n: usize| format!("/api/v1/cart/items/{}", text(&cart["items"][n]["id"]));
    shop.p.send("PUT", &path(0), &guest, Some(json!({"quantity": 3})), &[]).await.expect(200);
    pass(&shop, 6).await;
    shop.p.send("DELETE", &path(0), &guest, None, &[]).await.expect(200);
    pass(&shop, 6).await;
    assert_eq!((shop.quantities(&guest).await, shop.told("cart.abandoned").await), (vec![(1, 1)], 0));
    pass(&shop, 2).await;
    assert_eq!((shop.quantities(&guest).await, shop.told("cart.abandoned").await), (vec![], 1));
}

async fn a_cart_that_was_taken_over_is_kept_as_the_users(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (me, guest) = (testing::user(), testing::guest());
    shop.add(&guest, 0, 1).await;
    let both = Caller { cart_token: guest.cart_token.clone(), ..me.clone() };
    shop.p.send("POST", "/api/v1/cart/merge", &both, None, &[]).await.expect(200);
    pass(&shop, 89).await;
    assert_eq!((shop.quantities(&me).await, shop.told("cart.abandoned").await), (vec![(0, 1)], 0));
}

async fn which_cart_became_which_order_is_forgotten_in_time(engine: Engine) {
    let shop = Shop::open(engine).await;
    let known = || async {
        let read = shop.p.db("cart").read(|q| q.row("SELECT COUNT(*) FROM cart.checkouts", &[])?.map_or(Ok(0), |r| r.get::<i64>(0)));
        read.await.unwrap_or_else(|e: DbError| panic!("{e}"))
    };
    let (ids, now) = (Ids::random(), kit::Clock::system().now());
    for days in [0, 60] {
        pass(&shop, days).await;
        let id = || ids.uuid(now).to_string();
        let lines = vec![Line { item_id: id(), variant_id: id(), quantity: 1 }];
        let request = CheckOutRequest { cart_id: id(), order_id: id(), lines };
        CartClient::new(shop.p.channel("cart")).check_out(request).await.unwrap();
    }
    assert_eq!(known().await, 2);
    pass(&shop, 31).await;
    assert_eq!(known().await, 1);
    pass(&shop, 60).await;
    assert_eq!(known().await, 0);
}
