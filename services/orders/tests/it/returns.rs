use futures::future::join_all;
use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, both_engines};

use crate::shop::{Good, Shop, order_cart, order_of, text};

both_engines!(
    what_comes_back_is_refunded_and_in_stock_again,
    a_line_comes_back_in_portions_to_the_last_unit,
    no_more_comes_back_than_was_delivered_however_many_ask,
    what_a_store_does_not_take_back_can_be_asked_for_again,
    a_store_that_does_not_answer_agrees_and_goods_that_do_not_come_end_it,
    an_order_is_final_when_its_returns_are_done,
    a_return_of_cash_is_paid_out_by_hand,
    what_was_refunded_before_is_not_refunded_again,
    who_may_see_and_answer_a_return,
    a_return_that_cannot_be_is_refused,
    a_return_with_a_key_is_asked_for_once,
);

/// An order of some pieces of one good, delivered.
async fn delivered(shop: &Shop, shopper: &Caller, good: &Good, quantity: i64) -> Json {
    let order = shop.sale(shopper, good, quantity).await;
    shop.deliver(&shop.seller, &order).await;
    order
}

/// The return as it is now.
async fn now(shop: &Shop, who: &Caller, back: &Json) -> Json {
    shop.p.send("GET", &format!("/api/v1/returns/{}", text(&back["id"])), who, None, &[]).await.expect(200).body
}

async fn refunded(shop: &Shop, shopper: &Caller, order: &Json) -> i64 {
    shop.payment(shopper, order).await["refunded"]["amount"].as_i64().unwrap()
}

/// The way of the return's saga: its status and the steps that were done.
async fn saga(shop: &Shop, back: &Json) -> (String, Vec<i64>) {
    let id = text(&back["id"]).parse::<uuid::Uuid>().unwrap();
    let found = shop.p.db("orders").read(move |q| {
        let sql = "SELECT s.status, t.step FROM orders.sagas s JOIN orders.saga_steps t ON t.saga_id = s.id WHERE s.subject = $1 AND t.status = 'done' ORDER BY t.step";
        q.rows(sql, kit::params![id])?.iter().map(|r| Ok((r.get::<String>(0)?, r.get::<i64>(1)?))).collect::<Result<Vec<_>, kit::DbError>>()
    });
    let found = found.await.unwrap();
    (found.first().map(|f| f.0.clone()).unwrap_or_default(), found.into_iter().map(|f| f.1).collect())
}

async fn what_comes_back_is_refunded_and_in_stock_again(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = delivered(&shop, &shopper, &good, 2).await;
    let answer = shop.ask_back(&shopper, &order, 1).await.expect(201);
    let back = answer.body.clone();
    assert_eq!(answer.header("location"), format!("/api/v1/returns/{}", text(&back["id"])));
    assert_eq!((&back["status"], &back["items"][0]["quantity"], &back["refund"]), (&json!("requested"), &json!(1), &Json::Null));
    assert_eq!(shop.get(&shopper, &order).await["status"], "return_requested");
    assert_eq!(shop.say(&shop.seller, &back, "receive").await.expect(409).body["allowed"], json!(["approved", "rejected"]));
    assert_eq!(shop.say(&shop.seller, &back, "approve").await.expect(200).body["status"], "approved");
    assert_eq!(refunded(&shop, &shopper, &order).await, 0, "goods first");
    for _ in 0..2 {
        shop.say(&shop.seller, &back, "receive").await.expect(200);
    }
    shop.p.settle().await;
    let back = now(&shop, &shopper, &back).await;
    assert_eq!((&back["status"], &back["refund"]["amount"]["amount"]), (&json!("refunded"), &json!(10_000)));
    assert_eq!(refunded(&shop, &shopper, &order).await, 10_000);
    assert_eq!((shop.available(&good).await, shop.levels(&good).await), (2, json!([{"onHand": 2, "reserved": 0}])));
    let after = shop.get(&shopper, &order).await;
    assert_eq!((&after["status"], &after["vendorOrders"][0]["status"]), (&json!("partially_returned"), &json!("partially_returned")));
    assert_eq!(after["payment"]["status"], "partially_refunded");
    let end = ["order.return_requested", "order.return_approved", "order.returned"];
    let history = shop.history(&shopper, &order).await;
    let seen: Vec<_> = history.iter().filter(|t| end.contains(&t.as_str())).collect();
    assert_eq!(seen, end);
    assert_eq!(history.iter().filter(|t| *t == "order.return_refunded" || *t == "order.refunded").count(), 2);
    assert_eq!(shop.journals(&order).await, ["capture", "refund_requested", "refund_completed"]);
    assert_eq!(saga(&shop, &back).await.0, "completed");
}

async fn a_line_comes_back_in_portions_to_the_last_unit(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(3_333, 7).await);
    let order = delivered(&shop, &shopper, &good, 7).await;
    for quantity in [3, 1, 3] {
        let back = shop.ask_back(&shopper, &order, quantity).await.expect(201).body;
        shop.say(&shop.seller, &back, "approve").await.expect(200);
        shop.say(&shop.seller, &back, "receive").await.expect(200);
        shop.p.settle().await;
    }
    assert_eq!(refunded(&shop, &shopper, &order).await, 7 * 3_333, "the goods, without their shipping");
    let after = shop.get(&shopper, &order).await;
    assert_eq!((&after["status"], shop.available(&good).await), (&json!("returned"), 7));
    let accounts = shop.p.send("GET", "/api/v1/ledger/accounts", &testing::user_with(&[Role::Admin]), None, &[]).await.expect(200).body;
    for account in accounts["data"].as_array().unwrap() {
        let name = text(&account["account"]);
        let expected = match name.split(':').next().unwrap() {
            "vendor_payable" | "commission" | "refunds_payable" => 0,
            _ => continue,
        };
        assert_eq!(account["balance"]["amount"], expected, "the store's share and the commission are taken back: {name}");
    }
}

async fn no_more_comes_back_than_was_delivered_however_many_ask(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 40).await);
    for round in 0..4 {
        let placed = shop.post(&shopper, &format!("round {round}"), order_of(&good, 5)).await.expect(201).body;
        shop.pay(&placed, "approve").await.expect(200);
        shop.p.settle().await;
        shop.deliver(&shop.seller, &placed).await;
        let answers = join_all((0..6).map(|_| shop.ask_back(&shopper, &placed, 2))).await;
        let asked: Vec<_> = answers.iter().filter(|a| a.status == 201).collect();
        assert_eq!(asked.len(), 2, "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
        for refused in answers.iter().filter(|a| a.status != 201) {
            assert_eq!((refused.status, refused.code(), &refused.body["left"]), (409, "return_exceeds_delivered", &json!(1)));
        }
        for back in asked {
            let words = join_all(["approve", "approve", "approve"].map(|w| shop.say(&shop.seller, &back.body, w))).await;
            assert!(words.iter().all(|a| a.status == 200));
            let words = join_all(["receive", "receive", "reject"].map(|w| shop.say(&shop.seller, &back.body, w))).await;
            let mut ends: Vec<u16> = words.iter().map(|a| a.status).collect();
            ends.sort_unstable();
            assert!([[200, 200, 409], [200, 409, 409]].contains(&[ends[0], ends[1], ends[2]]), "{ends:?}");
        }
        shop.p.settle().await;
        let path = format!("/api/v1/orders/{}/returns", text(&placed["id"]));
        let returns = shop.p.send("GET", &path, &shopper, None, &[]).await.expect(200).body;
        let came = returns["data"].as_array().unwrap().iter().filter(|r| r["status"] == "refunded").count() as i64;
        assert_eq!(refunded(&shop, &shopper, &placed).await, came * 20_000, "once each");
    }
}

async fn what_a_store_does_not_take_back_can_be_asked_for_again(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = delivered(&shop, &shopper, &good, 1).await;
    for approved in [false, true] {
        let back = shop.ask_back(&shopper, &order, 1).await.expect(201).body;
        if approved {
            shop.say(&shop.seller, &back, "approve").await.expect(200);
        }
        for _ in 0..2 {
            let rejected = shop.say(&shop.seller, &back, "reject").await.expect(200).body;
            assert_eq!((&rejected["status"], &rejected["answer"]), (&json!("rejected"), &json!("it was worn")));
        }
        shop.p.settle().await;
        assert_eq!(shop.say(&shop.seller, &back, "approve").await.expect(409).body["allowed"], json!([]));
        assert_eq!(saga(&shop, &back).await.1.len(), usize::from(approved), "nothing was refunded or restocked");
        assert_eq!(shop.get(&shopper, &order).await["status"], "delivered");
    }
    assert_eq!((refunded(&shop, &shopper, &order).await, shop.available(&good).await), (0, 2));
}

async fn a_store_that_does_not_answer_agrees_and_goods_that_do_not_come_end_it(engine: Engine) {
    let days = |n: i64| n * 24 * 3_600;
    let config = json!({"orders": {"return_answer_seconds": days(1), "return_receive_seconds": days(2)}});
    let shop = Shop::open_with(engine, config).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = delivered(&shop, &shopper, &good, 1).await;
    let back = shop.ask_back(&shopper, &order, 1).await.expect(201).body;
    shop.p.advance_seconds(days(1) + 1);
    shop.p.settle().await;
    assert_eq!(now(&shop, &shopper, &back).await["status"], "approved");
    shop.p.advance_seconds(days(2) + 1);
    shop.p.settle().await;
    let ended = now(&shop, &shopper, &back).await;
    assert_eq!((&ended["status"], &ended["answer"]), (&json!("rejected"), &json!("the goods did not come back in time")));
    assert_eq!(shop.say(&shop.seller, &back, "receive").await.status, 409);
    assert_eq!(shop.get(&shopper, &order).await["status"], "delivered");
    shop.p.advance_seconds(days(5));
    shop.p.settle().await;
    assert_eq!(shop.get(&shopper, &order).await["status"], "completed");
}

async fn an_order_is_final_when_its_returns_are_done(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = delivered(&shop, &shopper, &good, 2).await;
    let back = shop.ask_back(&shopper, &order, 1).await.expect(201).body;
    shop.say(&shop.seller, &back, "approve").await.expect(200);
    shop.p.advance_seconds(8 * 24 * 3_600);
    shop.p.settle().await;
    assert_eq!(shop.get(&shopper, &order).await["status"], "return_requested", "it waits for what comes back");
    shop.say(&shop.seller, &back, "receive").await.expect(200);
    shop.p.settle().await;
    assert_eq!(shop.get(&shopper, &order).await["status"], "completed");
    let late = shop.ask_back(&shopper, &order, 1).await.expect(409);
    assert_eq!((late.code(), refunded(&shop, &shopper, &order).await), ("illegal_transition", 10_000));
}

async fn a_return_of_cash_is_paid_out_by_hand(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let mut body = order_of(&good, 2);
    body["paymentMethod"] = json!("cod");
    let order = shop.post(&shopper, "k", body).await.expect(201).body;
    shop.p.settle().await;
    shop.deliver(&shop.seller, &order).await;
    let back = shop.ask_back(&shopper, &order, 2).await.expect(201).body;
    shop.say(&shop.seller, &back, "approve").await.expect(200);
    shop.say(&shop.seller, &back, "receive").await.expect(200);
    shop.p.settle().await;
    let back = now(&shop, &shopper, &back).await;
    assert_eq!((&back["status"], &back["refund"]["amount"]["amount"]), (&json!("refunded"), &json!(20_000)));
    assert_eq!(shop.payment(&shopper, &order).await["status"], "completed", "the cash has not changed hands yet");
    let path = format!("/api/v1/payments/{}/refunds/{}/settle", text(&order["payment"]["id"]), text(&back["refund"]["id"]));
    shop.p.send("POST", &path, &testing::user_with(&[Role::Admin]), None, &[]).await.expect(200);
    shop.p.settle().await;
    assert_eq!(shop.payment(&shopper, &order).await["status"], "partially_refunded", "its shipping stays");
    assert_eq!(shop.journals(&order).await, ["cash_collected", "refund_requested", "refund_completed"]);
}

async fn what_was_refunded_before_is_not_refunded_again(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = delivered(&shop, &shopper, &good, 3).await;
    let line = &order["vendorOrders"][0]["items"][0]["id"];
    let body = json!({"items": [{"lineId": line, "quantity": 2}], "reason": "goodwill"});
    let path = format!("/api/v1/payments/{}/refund", text(&order["payment"]["id"]));
    shop.p.send("POST", &path, &testing::user_with(&[Role::Admin]), Some(body), &[("idempotency-key", "g")]).await.expect(201);
    let back = shop.ask_back(&shopper, &order, 3).await.expect(201).body;
    shop.say(&shop.seller, &back, "approve").await.expect(200);
    shop.say(&shop.seller, &back, "receive").await.expect(200);
    shop.p.settle().await;
    assert_eq!(now(&shop, &shopper, &back).await["refund"]["amount"]["amount"], 10_000);
    assert_eq!((refunded(&shop, &shopper, &order).await, shop.available(&good).await), (30_000, 3));
}

async fn who_may_see_and_answer_a_return(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (other_seller, _) = shop.another_store().await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = delivered(&shop, &shopper, &good, 1).await;
    assert_eq!(shop.ask_back(&testing::user(), &order, 1).await.status, 404);
    assert_eq!(shop.ask_back(&Caller::default(), &order, 1).await.status, 401);
    let back = shop.ask_back(&shopper, &order, 1).await.expect(201).body;
    let path = format!("/api/v1/returns/{}", text(&back["id"]));
    for (case, caller, status) in [
        ("its shopper", shopper.clone(), 200),
        ("its store", shop.seller.clone(), 200),
        ("support", testing::user_with(&[Role::Support]), 200),
        ("another shopper", testing::user(), 404),
        ("another store", other_seller.clone(), 404),
        ("nobody", Caller::default(), 401),
    ] {
        assert_eq!(shop.p.send("GET", &path, &caller, None, &[]).await.status, status, "{case}");
    }
    for word in ["approve", "reject", "receive"] {
        assert_eq!(shop.say(&other_seller, &back, word).await.status, 404, "{word}");
    }
    let list = |seller: Caller, query: &'static str| {
        let p = &shop.p;
        async move { p.send("GET", &format!("/api/v1/vendor/returns{query}"), &seller, None, &[]).await.expect(200).body["data"].clone() }
    };
    assert_eq!(list(shop.seller.clone(), "?status=requested").await[0]["id"], back["id"]);
    assert_eq!(list(shop.seller.clone(), "?status=received").await, json!([]));
    assert_eq!(list(other_seller, "").await, json!([]));
    let parts = shop.p.send("GET", "/api/v1/vendor/orders?status=return_requested", &shop.seller, None, &[]).await.expect(200).body;
    assert_eq!(parts["data"][0]["id"], order["vendorOrders"][0]["id"]);
    assert_eq!(shop.say(&testing::user_with(&[Role::Admin]), &back, "approve").await.expect(200).body["status"], "approved");
}

async fn a_return_that_cannot_be_is_refused(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (other_seller, _) = shop.another_store().await;
    let shopper = testing::user();
    let goods = [shop.good(10_000, 3).await, shop.good_of(&other_seller, "physical", 5_000, 3).await];
    for good in &goods {
        shop.put_into_cart(&shopper, good, 1).await;
    }
    let order = shop.post(&shopper, "k", order_cart()).await.expect(201).body;
    shop.pay(&order, "approve").await.expect(200);
    shop.p.settle().await;
    let early = shop.ask_back(&shopper, &order, 1).await.expect(409);
    assert_eq!((early.code(), &early.body["allowed"]), ("illegal_transition", &json!(["processing"])));
    for (seller, part) in [(&shop.seller, 0), (&other_seller, 1)] {
        for status in ["processing", "shipped", "delivered"] {
            shop.advance(seller, &order["vendorOrders"][part], status).await.expect(200);
        }
    }
    let path = format!("/api/v1/orders/{}/return", text(&order["id"]));
    let lines: Vec<_> = [0, 1].iter().map(|n| order["vendorOrders"][n]["items"][0]["id"].clone()).collect();
    let one = |line: &Json, quantity: i64| json!({"lineId": line, "quantity": quantity});
    for (items, status, code) in [
        (json!([]), 422, "length"),
        (json!([one(&lines[0], 1), one(&lines[1], 1)]), 422, "several_stores"),
        (json!([{"quantity": 1}]), 422, "ambiguous"),
        (json!([one(&json!("01900000-0000-7000-8000-00000000dead"), 1)]), 422, "unknown_line"),
        (json!([{"variantId": "01900000-0000-7000-8000-00000000dead", "quantity": 1}]), 422, "unknown_variant"),
        (json!([one(&lines[0], 0)]), 409, "return_exceeds_delivered"),
        (json!([one(&lines[0], 2)]), 409, "return_exceeds_delivered"),
    ] {
        let refused = shop.p.send("POST", &path, &shopper, Some(json!({"items": items.clone()})), &[]).await;
        let found = refused.body["errors"][0]["code"].as_str().unwrap_or_else(|| refused.code());
        assert_eq!((refused.status, found), (status, code), "{items}");
    }
    let by_variant = json!({"items": [{"variantId": goods[1].variant, "quantity": 1}]});
    let back = shop.p.send("POST", &path, &shopper, Some(by_variant), &[]).await.expect(201).body;
    assert_eq!(back["vendorOrderId"], order["vendorOrders"][1]["id"]);
    assert_eq!(shop.p.send("GET", "/api/v1/returns/x", &shopper, None, &[]).await.status, 404);
}

async fn a_return_with_a_key_is_asked_for_once(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = delivered(&shop, &shopper, &good, 3).await;
    let path = format!("/api/v1/orders/{}/return", text(&order["id"]));
    let body = json!({"items": [{"variantId": good.variant, "quantity": 1}]});
    let send = || shop.p.send("POST", &path, &shopper, Some(body.clone()), &[("idempotency-key", "k")]);
    let answers = join_all((0..4).map(|_| send())).await;
    assert!(answers.iter().all(|a| a.status == 201 && a.bytes == answers[0].bytes), "one return");
    assert_eq!(shop.count("orders", "returns").await, 1);
    let other = json!({"items": [{"variantId": good.variant, "quantity": 2}]});
    let reused = shop.p.send("POST", &path, &shopper, Some(other), &[("idempotency-key", "k")]).await.expect(422);
    assert_eq!(reused.code(), "idempotency_key_reused");
}
