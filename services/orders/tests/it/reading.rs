use contracts::proto::orders::GetOrderRequest;
use contracts::proto::orders::orders_client::OrdersClient;
use kit::Role;
use serde_json::{Value as Json, json};
use testing::{Engine, both_engines, redact};

use crate::shop::{Shop, text};

both_engines!(
    orders_are_listed_newest_first_and_page_by_page,
    a_list_belongs_to_its_user,
    the_history_hides_what_is_between_store_and_marketplace,
    other_services_get_an_order_as_its_owner_would,
    who_prefers_to_wait_is_answered_when_the_order_is_paid,
);

async fn orders_are_listed_newest_first_and_page_by_page(engine: Engine) {
    let shop = Shop::open(engine).await;
    let shopper = testing::user();
    let mut placed = Vec::new();
    for quantity in 1..=5 {
        placed.push(text(&shop.order(&shopper, &shop.good(quantity * 1_000, 9).await, quantity).await["id"]));
    }
    placed.reverse();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = shop.p.send("GET", &format!("/api/v1/orders?limit=2{cursor}"), &shopper, None, &[]).await.expect(200).body;
        seen.extend(page["data"].as_array().unwrap().iter().map(|o| text(&o["id"])));
        assert_eq!(page["data"][0]["shippingAddress"]["city"], "Dhaka");
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, placed);
    let others = shop.p.send("GET", &format!("/api/v1/orders?limit=2{cursor}"), &testing::user(), None, &[]).await;
    assert_eq!((others.status, others.code()), (400, "invalid_cursor"));
}

async fn a_list_belongs_to_its_user(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.order(&shopper, &good, 1).await;
    let path = format!("/api/v1/orders/user/{}", text(&order["userId"]));
    for reader in [&shopper, &testing::user_with(&[Role::Support])] {
        assert_eq!(shop.p.send("GET", &path, reader, None, &[]).await.expect(200).body["data"][0]["id"], order["id"]);
    }
    assert_eq!(shop.p.send("GET", &path, &testing::user(), None, &[]).await.status, 404);
    assert_eq!(shop.p.send("GET", "/api/v1/orders", &testing::user(), None, &[]).await.expect(200).body["data"], json!([]));
}

async fn the_history_hides_what_is_between_store_and_marketplace(engine: Engine) {
    let shop = Shop::open(engine).await;
    let shopper = testing::user();
    let order = shop.sale(&shopper, &shop.good(10_000, 3).await, 1).await;
    let path = format!("/api/v1/orders/{}/events", text(&order["id"]));
    let seen = shop.p.send("GET", &path, &shopper, None, &[]).await.expect(200).body;
    assert_eq!(seen["data"][0]["data"]["parts"][0]["lines"][0]["commission"], Json::Null);
    insta::assert_json_snapshot!("history", redact(&seen));
    let staff = shop.p.send("GET", &path, &testing::user_with(&[Role::Admin]), None, &[]).await.expect(200).body;
    assert!(staff["data"][0]["data"]["parts"][0]["lines"][0]["commission"].is_object(), "{staff}");
}

async fn other_services_get_an_order_as_its_owner_would(engine: Engine) {
    let shop = Shop::open(engine).await;
    let shopper = testing::user();
    let order = shop.order(&shopper, &shop.good(10_000, 3).await, 1).await;
    let mut client = OrdersClient::new(shop.p.channel("orders"));
    let found = client.get_order(GetOrderRequest { order_id: text(&order["id"]) }).await.unwrap().into_inner().order;
    let found: Json = serde_json::from_str(&found.expect("the order is there")).unwrap();
    assert_eq!(found, shop.get(&shopper, &order).await);
    let unknown = GetOrderRequest { order_id: "01900000-0000-7000-8000-00000000dead".into() };
    assert_eq!(client.get_order(unknown).await.unwrap().into_inner().order, None);
}

async fn who_prefers_to_wait_is_answered_when_the_order_is_paid(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.order(&shopper, &good, 1).await;
    let path = format!("/api/v1/orders/{}", text(&order["id"]));
    let look = async |prefer: &'static str| shop.p.send("GET", &path, &shopper, None, &[("prefer", prefer)]).await;
    for impatient in ["wait=0", "respond-async", "wait=soon", ""] {
        assert_eq!(look(impatient).await.expect(200).body["status"], "awaiting_payment", "{impatient:?}");
    }
    let (answer, _) = tokio::join!(look("respond-async, wait=20"), shop.pay(&order, "approve"));
    assert_eq!(answer.expect(200).body["status"], "confirmed");
    assert_eq!(look("wait=20").await.expect(200).body["status"], "confirmed", "there is nothing to wait for");
}
