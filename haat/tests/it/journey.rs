//! What people do on the platform, from their first request to the last effect. The same journeys for every layout.

use serde_json::{Value as Json, json};
use testing::Engine;

use crate::market::{Market, Stock, order_cart, order_of, text};
use crate::nodes::Layout;
use crate::outside::Visitor;

/// Makes a test per layout of each `async fn name(layout: Layout)`.
macro_rules! everywhere {
    ($($name:ident),+ $(,)?) => {
        mod together {
            $(#[test] fn $name() { testing::run(super::$name(super::Layout::Together(super::Engine::Sqlite))); })+
        }
        mod on_postgres {
            $(#[test] fn $name() { testing::run(super::$name(super::Layout::Together(super::Engine::Postgres))); })+
        }
        mod apart {
            $(#[test] fn $name() { testing::run(super::$name(super::Layout::Apart)); })+
        }
    };
}

everywhere!(
    a_guests_cart_goes_along_at_sign_in,
    goods_of_two_stores_are_bought_with_one_payment,
    too_little_stock_leaves_nothing_behind,
    a_declined_payment_gives_the_stock_back,
    a_cancelled_order_gives_stock_and_money_back,
    a_repeated_checkout_is_answered_byte_for_byte,
    an_order_is_its_shoppers_and_nobody_elses,
    stores_ship_their_parts_step_by_step,
    cash_on_delivery_needs_no_payer,
    a_course_is_there_at_once_and_the_cloth_can_still_be_called_off,
);

async fn a_guests_cart_goes_along_at_sign_in(layout: Layout) {
    let market = Market::open(layout).await;
    let (tea, cloth) = (market.good(&market.sellers[1], 45_000, 20).await, market.good(&market.sellers[0], 129_900, 20).await);
    let shopper = market.register("ayesha@journey.test").await;
    market.put_into_cart(&shopper, &tea, 1).await;

    let first = market.put_into_cart(&Visitor::default(), &tea, 2).await;
    let guest = Visitor::guest(first.header("x-cart-token"));
    market.put_into_cart(&guest, &cloth, 3).await;
    let again = market.sign_in("ayesha@journey.test", &guest).await;

    // The answer to the sign-in says that both carts are one, so the next request may order it.
    let order = market.post_order(&again, "at once", &order_cart()).await.expect(201).body;
    let items = order["vendorOrders"].as_array().unwrap().iter().flat_map(|p| p["items"].as_array().unwrap());
    let mut pieces: Vec<_> = items.map(|i| (text(&i["variantId"]), i["quantity"].clone())).collect();
    let mut merged = [(tea.variant.clone(), json!(3)), (cloth.variant.clone(), json!(3))];
    pieces.sort_by_key(|(variant, _)| variant.clone());
    merged.sort_by_key(|(variant, _)| variant.clone());
    assert_eq!(pieces, merged);
    assert_eq!(market.cart(&guest).await, [], "nothing is left to be merged a second time");
    market.close().await;
}

async fn goods_of_two_stores_are_bought_with_one_payment(layout: Layout) {
    let market = Market::open(layout).await;
    let (cloth, tea) = (market.good(&market.sellers[0], 129_900, 10).await, market.good(&market.sellers[1], 45_050, 5).await);
    let shopper = market.register("ayesha@journey.test").await;
    market.put_into_cart(&shopper, &cloth, 2).await;
    let cart = market.put_into_cart(&shopper, &tea, 1).await.body;
    assert_eq!(cart["totals"]["subtotal"]["amount"], 2 * cloth.price + tea.price);

    let order = market.post_order(&shopper, "the first", &order_cart()).await.expect(201).body;
    assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("awaiting_payment"), &json!("requires_action")));
    let parts = order["vendorOrders"].as_array().unwrap();
    assert_eq!(parts.len(), 2);
    let sum: i64 = parts.iter().map(|p| p["totals"]["total"]["amount"].as_i64().unwrap()).sum();
    assert_eq!(order["totals"]["total"]["amount"], sum);
    assert_eq!(market.stock(&cloth).await, Stock { on_hand: 10, reserved: 2 });
    assert_eq!(market.cart(&shopper).await, []);

    market.pay(&order, "approve").await;
    market.order_comes_to(&shopper, &order, "confirmed").await;
    assert_eq!(market.payment(&shopper, &order).await["status"], "completed");
    market.stock_comes_to(&cloth, 10, 2).await;
    market.stock_comes_to(&tea, 5, 1).await;
    let saga = market.ended_saga(&order, "order_fulfilment").await;
    assert_eq!(saga["status"], "completed");
    assert!(saga["steps"].as_array().unwrap().len() >= 4, "{saga}");
    let history = market.history(&shopper, &order).await;
    assert!(history.starts_with(&["order.created".into()]) && history.contains(&"order.confirmed".into()), "{history:?}");
    the_ledger_tells_the_sale(&market, &order).await;
    market.close().await;
}

async fn the_ledger_tells_the_sale(market: &Market, order: &Json) {
    let entries = market.entries(order).await;
    let on = |kinds: &[&str]| entries.iter().filter(|(kind, _)| kinds.contains(&kind.as_str())).map(|(_, net)| net).sum::<i64>();
    let paid = order["payment"]["amount"]["amount"].as_i64().unwrap();
    assert_eq!(on(&["provider_clearing"]), paid, "{entries:?}");
    assert_eq!(on(&["vendor_payable", "commission", "tax_payable", "shipping_payable"]), -paid, "{entries:?}");
    assert!(on(&["commission"]) < 0, "{entries:?}");
    let charge = market.charge(order).await.expect("the provider has charged");
    assert_eq!((&charge["amount"]["amount"], &charge["refunded"]["amount"]), (&json!(paid), &json!(0)), "{charge}");
}

async fn too_little_stock_leaves_nothing_behind(layout: Layout) {
    let market = Market::open(layout).await;
    let (cloth, tea) = (market.good(&market.sellers[0], 129_900, 10).await, market.good(&market.sellers[1], 45_050, 2).await);
    let shopper = market.register("ayesha@journey.test").await;
    let refused = market.post_order(&shopper, "too much", &order_of(&[(&cloth, 1), (&tea, 3)])).await.expect(409);
    assert_eq!(refused.code(), "out_of_stock");
    assert_eq!(refused.body["items"], json!([{"variantId": tea.variant, "requested": 3, "available": 2}]));
    assert_eq!(market.get(&shopper, "/orders").await["data"], json!([]));
    for (good, on_hand) in [(&cloth, 10), (&tea, 2)] {
        assert_eq!(market.stock(good).await, Stock { on_hand, reserved: 0 });
    }
    market.close().await;
}

async fn a_declined_payment_gives_the_stock_back(layout: Layout) {
    let market = Market::open(layout).await;
    let tea = market.good(&market.sellers[1], 45_050, 5).await;
    let shopper = market.register("ayesha@journey.test").await;
    let order = market.order(&shopper, &[(&tea, 4)]).await;
    assert_eq!(market.stock(&tea).await, Stock { on_hand: 5, reserved: 4 });
    market.pay(&order, "decline").await;
    market.order_comes_to(&shopper, &order, "failed").await;
    market.stock_comes_to(&tea, 5, 0).await;
    assert_eq!(market.ended_saga(&order, "order_fulfilment").await["status"], "compensated");
    assert_eq!(market.payment(&shopper, &order).await["status"], "failed");
    assert_eq!(market.entries(&order).await, []);
    assert_eq!(market.charge(&order).await, None);
    market.close().await;
}

async fn a_cancelled_order_gives_stock_and_money_back(layout: Layout) {
    let market = Market::open(layout).await;
    let (cloth, tea) = (market.good(&market.sellers[0], 129_900, 10).await, market.good(&market.sellers[1], 45_050, 5).await);
    let shopper = market.register("ayesha@journey.test").await;
    let order = market.sale(&shopper, &[(&cloth, 1), (&tea, 2)]).await;
    let path = format!("/orders/{}/cancel", text(&order["id"]));
    let cancelled = market.send(&shopper, "PUT", &path, Some(json!({"reason": "changed my mind"}))).await.expect(200).body;
    assert_eq!(cancelled["status"], "cancelled");
    market.payment_comes_to(&shopper, &order, "refunded").await;
    market.stock_comes_to(&cloth, 10, 0).await;
    market.stock_comes_to(&tea, 5, 0).await;
    assert_eq!(market.ended_saga(&order, "order_cancellation").await["status"], "completed");
    let paid = &order["payment"]["amount"];
    assert_eq!(&market.payment(&shopper, &order).await["refunded"], paid);
    assert_eq!(market.charge(&order).await.expect("it was charged")["refunded"], *paid);
    let entries = market.entries(&order).await;
    for kind in ["provider_clearing", "vendor_payable", "commission", "shipping_payable", "refunds_payable"] {
        let net: i64 = entries.iter().filter(|(k, _)| k == kind).map(|(_, net)| net).sum();
        assert_eq!(net, 0, "{kind} of {entries:?}");
    }
    market.close().await;
}

async fn a_repeated_checkout_is_answered_byte_for_byte(layout: Layout) {
    let market = Market::open(layout).await;
    let tea = market.good(&market.sellers[1], 45_050, 5).await;
    let shopper = market.register("ayesha@journey.test").await;
    let body = order_of(&[(&tea, 2)]);
    let first = market.post_order(&shopper, "one key", &body).await.expect(201);
    market.pay(&first.body, "approve").await;
    market.order_comes_to(&shopper, &first.body, "confirmed").await;
    let again = market.post_order(&shopper, "one key", &body).await.expect(201);
    assert_eq!(again.bytes, first.bytes, "though the order has moved on");
    assert_eq!(again.header("location"), first.header("location"));
    let other = market.post_order(&shopper, "one key", &order_of(&[(&tea, 1)])).await;
    assert_eq!((other.status, other.code()), (422, "idempotency_key_reused"));
    market.post_order(&market.register("rahim@journey.test").await, "one key", &body).await.expect(201);
    assert_eq!(market.get(&shopper, "/orders").await["data"].as_array().unwrap().len(), 1);
    assert_eq!(market.stock(&tea).await, Stock { on_hand: 5, reserved: 4 });
    market.close().await;
}

async fn an_order_is_its_shoppers_and_nobody_elses(layout: Layout) {
    let market = Market::open(layout).await;
    let tea = market.good(&market.sellers[1], 45_050, 5).await;
    let shopper = market.register("ayesha@journey.test").await;
    let other = market.register("rahim@journey.test").await;
    let order = market.sale(&shopper, &[(&tea, 1)]).await;
    let (id, payment) = (text(&order["id"]), text(&order["payment"]["id"]));
    for path in [format!("/orders/{id}"), format!("/orders/{id}/events"), format!("/orders/{id}/tracking"), format!("/payments/{payment}")]
    {
        market.send(&shopper, "GET", &path, None).await.expect(200);
        market.send(&other, "GET", &path, None).await.expect(404);
        market.send(&Visitor::default(), "GET", &path, None).await.expect(401);
    }
    let cancel = format!("/orders/{id}/cancel");
    market.send(&other, "PUT", &cancel, Some(json!({"reason": "not mine"}))).await.expect(404);
    assert_eq!(market.order_now(&shopper, &order).await["status"], "confirmed");
    market.send(&shopper, "GET", "/ledger/trial-balance", None).await.expect(403);
    market.close().await;
}

async fn stores_ship_their_parts_step_by_step(layout: Layout) {
    let market = Market::open(layout).await;
    let (cloth, tea) = (market.good(&market.sellers[0], 129_900, 10).await, market.good(&market.sellers[1], 45_050, 5).await);
    let shopper = market.register("ayesha@journey.test").await;
    let order = market.sale(&shopper, &[(&cloth, 2), (&tea, 1)]).await;
    let [looms, teas] = &market.sellers;
    let (first, second) = (sold_part(&market, looms, &order).await, sold_part(&market, teas, &order).await);
    assert_eq!(advance(&market, teas, &first, "processing").await, (404, "not_found".into()));

    // Who, which part, to what, what is answered, and the order's status then.
    let steps = [
        (looms, &first, "delivered", 409, "confirmed"),
        (looms, &first, "shipped", 409, "confirmed"),
        (looms, &first, "processing", 200, "confirmed"),
        (looms, &first, "shipped", 200, "partially_shipped"),
        (looms, &first, "processing", 409, "partially_shipped"),
        (teas, &second, "processing", 200, "partially_shipped"),
        (teas, &second, "shipped", 200, "shipped"),
        (looms, &first, "delivered", 200, "partially_delivered"),
        (teas, &second, "delivered", 200, "delivered"),
    ];
    for (seller, part, status, answer, then) in steps {
        let (code, problem) = advance(&market, seller, part, status).await;
        assert_eq!(code, answer, "{status}");
        assert!(code == 200 || problem == "illegal_transition", "{problem}");
        assert_eq!(market.order_now(&shopper, &order).await["status"], then, "after {status}");
    }
    let late = market.send(&shopper, "PUT", &format!("/orders/{}/cancel", text(&order["id"])), Some(json!({"reason": "late"}))).await;
    assert_eq!(late.status, 409);
    market.stock_comes_to(&cloth, 8, 0).await;
    market.stock_comes_to(&tea, 4, 0).await;
    market.history(&shopper, &order).await;
    market.close().await;
}

/// The store's part of an order, once the store sees it as sold.
async fn sold_part(market: &Market, seller: &Visitor, order: &Json) -> String {
    let find = || async {
        let parts = market.get(seller, "/vendor/orders?status=confirmed").await;
        let ids = order["vendorOrders"].as_array().unwrap();
        let mine = parts["data"].as_array().unwrap().iter().find(|p| ids.iter().any(|o| o["id"] == p["id"]));
        mine.map(|p| text(&p["id"]))
    };
    testing::eventually("the store sees its part", || async { find().await.is_some() }).await;
    find().await.unwrap()
}

async fn advance(market: &Market, seller: &Visitor, part: &str, status: &str) -> (u16, String) {
    let mut body = json!({ "status": status });
    if status == "shipped" {
        body["tracking"] = json!({"carrier": "Pathao", "number": "P1"});
    }
    let answer = market.send(seller, "PUT", &format!("/vendor/orders/{part}/status"), Some(body)).await;
    (answer.status, answer.code().to_owned())
}

async fn cash_on_delivery_needs_no_payer(layout: Layout) {
    let market = Market::open(layout).await;
    let tea = market.good(&market.sellers[1], 45_050, 5).await;
    let shopper = market.register("ayesha@journey.test").await;
    let mut body = order_of(&[(&tea, 2)]);
    body["paymentMethod"] = json!("cod");
    let order = market.post_order(&shopper, "cash", &body).await.expect(201).body;
    assert_eq!(order["payment"]["action"], Json::Null);
    market.order_comes_to(&shopper, &order, "confirmed").await;
    assert_eq!(market.payment(&shopper, &order).await["status"], "processing");
    let part = sold_part(&market, &market.sellers[1], &order).await;
    for status in ["processing", "shipped", "delivered"] {
        assert_eq!(advance(&market, &market.sellers[1], &part, status).await.0, 200, "{status}");
    }
    market.payment_comes_to(&shopper, &order, "completed").await;
    market.order_comes_to(&shopper, &order, "delivered").await;
    let collected: i64 = market.entries(&order).await.iter().filter(|(kind, _)| kind == "cash_in_transit").map(|(_, net)| net).sum();
    assert_eq!(order["payment"]["amount"]["amount"], collected);
    assert_eq!(market.charge(&order).await, None, "no provider took part");
    market.close().await;
}

async fn a_course_is_there_at_once_and_the_cloth_can_still_be_called_off(layout: Layout) {
    let market = Market::open(layout).await;
    let looms = &market.sellers[0];
    let (cloth, course) = (market.good(looms, 129_900, 10).await, market.endless(looms, "course", 50_000).await);
    let shopper = market.register("ayesha@journey.test").await;
    market.put_into_cart(&shopper, &cloth, 1).await;
    let cart = market.put_into_cart(&shopper, &course, 1).await.body;
    assert_eq!(cart["warnings"], json!([]));
    let mut cash = order_cart();
    cash["paymentMethod"] = json!("cod");
    let refused = market.post_order(&shopper, "cash", &cash).await.expect(422);
    assert_eq!(refused.body["errors"][0]["pointer"], "/paymentMethod", "{}", refused.body);

    let order = market.post_order(&shopper, "mixed", &order_cart()).await.expect(201).body;
    market.pay(&order, "approve").await;
    market.order_comes_to(&shopper, &order, "partially_delivered").await;
    market.stock_comes_to(&cloth, 10, 1).await;
    let path = format!("/orders/{}", text(&order["id"]));
    let wish = json!({"items": [{"variantId": course.variant, "quantity": 1}], "reason": "not for me"});
    let refused = market.send(&shopper, "POST", &format!("{path}/return"), Some(wish)).await.expect(422);
    assert_eq!(refused.body["errors"][0]["code"], "not_returnable");
    let reason = json!({"reason": "changed my mind"});
    let cancelled = market.send(&shopper, "PUT", &format!("{path}/cancel"), Some(reason)).await.expect(200).body;
    assert_eq!(cancelled["status"], "partially_cancelled");
    market.payment_comes_to(&shopper, &order, "partially_refunded").await;
    market.stock_comes_to(&cloth, 10, 0).await;
    assert_eq!(market.ended_saga(&order, "order_cancellation").await["status"], "completed");
    let back = order["totals"]["total"]["amount"].as_i64().unwrap() - course.price;
    assert_eq!(market.payment(&shopper, &order).await["refunded"]["amount"], back);
    assert_eq!(market.charge(&order).await.expect("it was charged")["refunded"]["amount"], back);
    market.close().await;
}
