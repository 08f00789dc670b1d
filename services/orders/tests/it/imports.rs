//! Orders from elsewhere: records here, and out again.

use contracts::proto::orders::orders_client::OrdersClient;
use contracts::proto::orders::{ExportOrdersRequest, ImportOrdersRequest};
use kit::Role;
use serde_json::{Value as Json, json};
use testing::{Engine, Response, both_engines};

use crate::shop::{Shop, text};

both_engines!(
    an_order_from_elsewhere_is_a_record_and_nothing_happens_to_it_here,
    the_same_again_brings_it_up_to_date,
    what_is_wrong_with_an_order_is_named_and_the_others_come_in,
    orders_go_out_as_they_come_in,
);

const PATH: &str = "/api/v1/orders/imports";

pub async fn bring(shop: &Shop, orders: &[Json]) -> Response {
    let admin = testing::user_with(&[Role::Admin]);
    let done = shop.p.send("POST", PATH, &admin, Some(json!({ "orders": orders })), &[]).await;
    shop.p.settle().await;
    done
}

fn outcomes(done: &Response) -> Vec<String> {
    done.body["data"].as_array().unwrap().iter().map(|o| text(&o["outcome"])).collect()
}

fn bdt(amount: i64) -> Json {
    json!({"amount": amount, "currency": "BDT"})
}

/// An order of 2 × 500 + 60 shipping + 40 tax − 100, delivered by the shop.
pub fn order(number: &str) -> Json {
    json!({"source": "old-shop", "number": number, "placedAt": "2025-03-04T05:06:07Z", "parts": [
        {"vendor": "dhaka-looms", "status": "delivered", "deliveredAt": "2025-03-09T00:00:00Z", "shipping": bdt(60), "discount": bdt(100),
         "items": [{"sku": "S-1", "title": "Sari", "quantity": 2, "unitPrice": bdt(500), "tax": bdt(40)}]}]})
}

async fn an_order_from_elsewhere_is_a_record_and_nothing_happens_to_it_here(engine: Engine) {
    let shop = Shop::open(engine).await;
    let shopper = testing::user();
    let mut body = order("10017");
    body["userId"] = json!(shopper.user.as_ref().unwrap().id);
    assert_eq!(outcomes(&bring(&shop, &[body]).await.expect(200)), ["created"]);
    let list = shop.p.send("GET", "/api/v1/orders", &shopper, None, &[]).await.expect(200).body;
    let found = list["data"][0].clone();
    assert_eq!(
        (&found["number"], &found["status"], &found["sagaId"], &found["payment"]),
        (&json!("old-shop:10017"), &json!("delivered"), &Json::Null, &Json::Null)
    );
    assert_eq!(
        (&found["imported"], &found["createdAt"]),
        (&json!({"source": "old-shop", "number": "10017"}), &json!("2025-03-04T05:06:07.000000Z"))
    );
    let totals = json!({"subtotal": bdt(1_000), "discount": bdt(100), "shipping": bdt(60), "tax": bdt(40), "taxIncluded": false, "total": bdt(1_000)});
    assert_eq!((&found["totals"], &found["vendorOrders"][0]["totals"]), (&totals, &totals));
    assert_eq!(shop.history(&shopper, &found).await, ["order.imported"]);
    let sold = shop.p.send("GET", "/api/v1/vendor/orders?status=delivered", &shop.seller, None, &[]).await.expect(200).body;
    assert_eq!((&sold["data"][0]["orderId"], &sold["data"][0]["imported"]["number"]), (&found["id"], &json!("10017")));

    let part = found["vendorOrders"][0].clone();
    let refused = [
        shop.cancel(&shopper, &found).await,
        shop.ask_back(&shopper, &found, 1).await,
        shop.advance(&shop.seller, &part, "processing").await,
        shop.p.send("PUT", &format!("/api/v1/orders/{}", text(&found["id"])), &shopper, Some(json!({"note": "hurry"})), &[]).await,
        shop.p.send("GET", &format!("/api/v1/orders/{}/invoice", text(&found["id"])), &shopper, None, &[]).await,
    ];
    for answer in refused {
        assert_eq!((answer.status, answer.code()), (409, "imported_order"), "{answer:?}");
    }
    for (service, table) in [("orders", "sagas"), ("payments", "payments"), ("payments", "journals"), ("catalog", "reservations")] {
        assert_eq!(shop.count(service, table).await, 0, "{service}.{table}");
    }
}

async fn the_same_again_brings_it_up_to_date(engine: Engine) {
    let shop = Shop::open(engine).await;
    let admin = testing::user_with(&[Role::Admin]);
    let mut body = order("7");
    body["parts"][0]["status"] = json!("processing");
    assert_eq!(outcomes(&bring(&shop, &[body.clone(), order("8")]).await), ["created", "created"]);
    assert_eq!(outcomes(&bring(&shop, &[body.clone(), order("8")]).await), ["unchanged", "unchanged"]);
    body["parts"][0]["status"] = json!("cancelled");
    let dry = shop.p.send("POST", PATH, &admin, Some(json!({"orders": [body.clone(), order("9")], "dryRun": true})), &[]).await.expect(200);
    assert_eq!(outcomes(&dry), ["updated", "created"]);
    assert_eq!(shop.count("orders", "orders").await, 2);
    assert_eq!(outcomes(&bring(&shop, &[body.clone(), order("8")]).await), ["updated", "unchanged"]);
    let sold = shop.p.send("GET", "/api/v1/vendor/orders?status=cancelled", &shop.seller, None, &[]).await.expect(200).body;
    assert_eq!((sold["data"].as_array().unwrap().len(), &sold["data"][0]["number"]), (1, &json!("old-shop:7")));
    let id = json!({"id": sold["data"][0]["orderId"]});
    assert_eq!(shop.history(&admin, &id).await, ["order.imported", "order.imported"]);
    assert_eq!(shop.get(&admin, &id).await["status"], "cancelled");
}

async fn what_is_wrong_with_an_order_is_named_and_the_others_come_in(engine: Engine) {
    let shop = Shop::open(engine).await;
    let mut wrong = order("1");
    wrong["source"] = json!("Old shop");
    wrong["placedAt"] = json!("2999-01-01T00:00:00Z");
    wrong["parts"][0]["items"][0]["quantity"] = json!(0);
    wrong["parts"][0]["discount"] = json!({"amount": 1, "currency": "EUR"});
    let mut strange = order("2");
    strange["parts"][0]["vendor"] = json!("nobody");
    let mut too_much = order("3");
    too_much["parts"][0]["discount"] = bdt(5_000);
    let done = bring(&shop, &[wrong, strange, too_much, order("4"), order("4")]).await.expect(200);
    assert_eq!(outcomes(&done), ["refused", "refused", "refused", "created", "refused"]);
    let pointers = |place: usize| -> Vec<String> {
        done.body["data"][place]["errors"].as_array().unwrap().iter().map(|e| text(&e["pointer"])).collect()
    };
    assert_eq!(pointers(0), ["/source", "/placedAt", "/parts/0/items/0/quantity", "/parts/0/discount"]);
    assert_eq!(
        (pointers(1), pointers(2), pointers(4)),
        (vec!["/parts/0/vendor".into()], vec!["/parts/0/discount".into()], vec!["/number".to_owned()])
    );
    assert_eq!(bring(&shop, &[]).await.status, 422);
    assert_eq!(bring(&shop, &[json!({"source": "x"})]).await.status, 400);
}

async fn orders_go_out_as_they_come_in(engine: Engine) {
    let shop = Shop::open(engine).await;
    let shopper = testing::user();
    let good = shop.good(1_000, 9).await;
    shop.sale(&shopper, &good, 2).await;
    shop.order(&shopper, &good, 1).await;
    bring(&shop, &[order("10017")]).await;
    let page = |after: String| async {
        let request = ExportOrdersRequest { after, limit: 1 };
        OrdersClient::new(shop.p.channel("orders")).export_orders(request).await.unwrap().into_inner()
    };
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let found = page(after).await;
        all.extend(found.orders);
        after = found.next;
        if after.is_empty() {
            break;
        }
    }
    let read: Vec<Json> = all.iter().map(|o| serde_json::from_str(o).unwrap()).collect();
    let mut told: Vec<_> =
        read.iter().map(|o| (text(&o["source"]), text(&o["parts"][0]["status"]), text(&o["parts"][0]["items"][0]["sku"]))).collect();
    told.sort();
    let expected = [("haat", "confirmed", "S1"), ("old-shop", "delivered", "S-1")];
    assert_eq!(told, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())), "what is not paid yet was not sold");
    let mut moved = read.iter().find(|o| o["source"] == "haat").unwrap().clone();
    moved["placedAt"] = json!("2025-03-04T05:06:07Z");
    let request = ImportOrdersRequest { orders: all, check_only: false, assume_stores: false };
    let again = OrdersClient::new(shop.p.channel("orders")).import_orders(request).await.unwrap().into_inner();
    let mut told: Vec<_> = again.results.iter().map(|r| r.outcome.as_str()).collect();
    told.sort_unstable();
    assert_eq!(told, ["unchanged", "unchanged"], "an order that was placed here is not a second one");
    assert_eq!(outcomes(&bring(&shop, &[moved.clone()]).await), ["refused"], "another platform's order with a number that there is here");
    moved["source"] = json!("haat-two");
    assert_eq!(outcomes(&bring(&shop, &[moved]).await), ["created"]);
}
