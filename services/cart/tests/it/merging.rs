//! A guest's cart goes into a user's.

use contracts::events::identity::UserSignedIn;
use futures::future::join_all;
use kit::{Caller, DbError};
use serde_json::json;
use testing::Engine;

use crate::shop::Shop;

testing::both_engines!(
    a_guests_cart_is_taken_over_at_sign_in,
    sign_ins_that_come_twice_and_out_of_order_change_nothing,
    a_cart_is_taken_over_when_asked,
    carts_that_are_merged_at_once_are_summed_once,
    what_is_not_sold_any_more_is_taken_over_too,
    nobody_takes_over_without_a_token,
);

async fn sign_in(shop: &Shop, who: &Caller, guest: Option<&Caller>) {
    let user = who.user.clone().unwrap();
    let event = UserSignedIn { user_id: user.id, session_id: user.session, guest: guest.and_then(Caller::guest_hash) };
    shop.p.db("identity").write(move |tx| tx.publish(event.clone())).await.unwrap_or_else(|e: DbError| panic!("{e}"));
}

/// The user with a guest's token beside them.
fn with_token(user: &Caller, guest: &Caller) -> Caller {
    Caller { cart_token: guest.cart_token.clone(), ..user.clone() }
}

async fn a_guests_cart_is_taken_over_at_sign_in(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (me, guest) = (testing::user(), testing::guest());
    shop.add(&me, 0, 998).await;
    shop.add(&guest, 0, 5).await;
    shop.add(&guest, 1, 1).await;
    for with in [Some(&guest), Some(&guest), None] {
        sign_in(&shop, &me, with).await;
    }
    shop.p.settle().await;
    assert_eq!(shop.quantities(&me).await, [(0, 999), (1, 1)], "summed, and capped");
    assert_eq!(shop.quantities(&guest).await, []);
    assert_eq!(shop.told("cart.merged").await, 1);
}

async fn sign_ins_that_come_twice_and_out_of_order_change_nothing(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (me, guests) = (testing::user(), [testing::guest(), testing::guest()]);
    shop.add(&guests[0], 0, 2).await;
    shop.add(&guests[1], 0, 3).await;
    shop.add(&guests[1], 1, 1).await;
    // The first was asked for before its sign-in is heard of; the second is heard of alone.
    shop.p.send("POST", "/api/v1/cart/merge", &with_token(&me, &guests[0]), None, &[]).await.expect(200);
    for round in 0..2 {
        for guest in guests.iter().rev().map(Some).chain([None]) {
            sign_in(&shop, &me, guest).await;
            shop.p.settle().await;
        }
        assert_eq!(shop.quantities(&me).await, [(0, 5), (1, 1)]);
        assert_eq!((shop.lines().await, shop.told("cart.merged").await), (2, 2), "a row per variant, an event per cart: round {round}");
    }
}

async fn a_cart_is_taken_over_when_asked(engine: Engine) {
    let shop = Shop::open(engine).await;
    // (own, guest's, both)
    let cases: &[[&[(usize, i64)]; 3]] = &[
        [&[], &[], &[]],
        [&[(0, 1)], &[], &[(0, 1)]],
        [&[], &[(0, 2), (1, 3)], &[(0, 2), (1, 3)]],
        [&[(0, 1)], &[(1, 3)], &[(0, 1), (1, 3)]],
        [&[(0, 1), (1, 1)], &[(0, 2)], &[(0, 3), (1, 1)]],
        [&[(0, 999)], &[(0, 999)], &[(0, 999)]],
        [&[(0, 998), (1, 1)], &[(0, 2), (1, 999)], &[(0, 999), (1, 999)]],
    ];
    for [own, guests, both] in cases {
        let (me, guest) = (testing::user(), testing::guest());
        for (who, lines) in [(&me, own), (&guest, guests)] {
            for (n, quantity) in *lines {
                shop.add(who, *n, *quantity).await;
            }
        }
        for time in ["once", "twice"] {
            let answer = shop.p.send("POST", "/api/v1/cart/merge", &with_token(&me, &guest), None, &[]).await.expect(200);
            assert_eq!(answer.body["items"].as_array().unwrap().len(), both.len());
            assert_eq!(shop.quantities(&me).await, *both, "{own:?} and {guests:?}, merged {time}");
            assert_eq!(shop.quantities(&guest).await, []);
        }
    }
    assert_eq!(shop.told("cart.merged").await, cases.iter().filter(|[_, guests, _]| !guests.is_empty()).count());
}

async fn carts_that_are_merged_at_once_are_summed_once(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (me, guests) = (testing::user(), [testing::guest(), testing::guest()]);
    shop.add(&me, 1, 1).await;
    for guest in &guests {
        shop.add(guest, 0, 2).await;
        shop.add(guest, 1, 10).await;
        sign_in(&shop, &me, Some(guest)).await;
    }
    let asks = (0..8).map(|n| {
        let who = with_token(&me, &guests[n % 2]);
        let shop = &shop;
        async move { shop.p.send("POST", "/api/v1/cart/merge", &who, None, &[]).await.expect(200) }
    });
    join_all(asks).await;
    shop.p.settle().await;
    assert_eq!(shop.quantities(&me).await, [(0, 4), (1, 21)]);
    assert_eq!(shop.told("cart.merged").await, 2);
}

async fn what_is_not_sold_any_more_is_taken_over_too(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (me, guest) = (testing::user(), testing::guest());
    shop.add(&me, 0, 1).await;
    shop.add(&guest, 0, 9).await;
    shop.archive().await;
    let cart = shop.p.send("POST", "/api/v1/cart/merge", &with_token(&me, &guest), None, &[]).await.expect(200).body;
    assert_eq!((&cart["items"][0]["quantity"], &cart["warnings"][0]["code"]), (&json!(10), &json!("unavailable")));
}

async fn nobody_takes_over_without_a_token(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (me, guest) = (testing::user(), testing::guest());
    let merge = |who: Caller| async { shop.p.send("POST", "/api/v1/cart/merge", &{ who }, None, &[]).await };
    assert_eq!(merge(guest).await.status, 401);
    let bare = merge(me.clone()).await;
    assert_eq!((bare.status, bare.code()), (400, "cart_token_required"));
    let guessed = merge(Caller { cart_token: Some("guess".into()), ..me }).await;
    assert_eq!((guessed.status, guessed.code()), (400, "invalid_cart_token"));
}
