//! What carriers tell by themselves.

use std::collections::BTreeSet;

use contracts::Time;
use kit::webhook::Secret;
use kit::{Caller, Clock, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, both_engines, redact};
use uuid::Uuid;

use crate::shop::{Shop, address, order_of, text};

both_engines!(
    only_what_is_under_way_is_delivered,
    what_comes_twice_or_late_stands_once_in_its_place,
    what_nobody_vouched_for_is_refused,
    what_cannot_be_read_is_named_and_kept,
    a_number_that_comes_later_finds_what_was_told,
    a_parcel_of_two_parts_is_delivered_whole,
    cash_is_taken_as_the_carrier_says,
    cash_that_does_not_fit_delivers_nothing,
    steps_are_shown_to_whom_the_order_belongs,
    every_route_of_carriers_answers_in_its_form,
);

const INBOX: &str = "/api/v1/shipping/webhooks";

/// The invented carrier of the development profile.
pub struct Courier<'s> {
    shop: &'s Shop,
    secret: Secret,
}

impl<'s> Courier<'s> {
    pub async fn of(shop: &'s Shop) -> Courier<'s> {
        let all = shop.p.send("GET", "/dev/carriers", &Caller::default(), None, &[]).await.expect(200).body;
        assert_eq!(all["data"][0]["name"], "shapla-express");
        Courier { shop, secret: Secret::from_text(all["data"][0]["secret"].as_str().unwrap()) }
    }

    /// Sends a message as the carrier would, now.
    pub async fn tell(&self, message: &str, body: &Json) -> Response {
        self.tell_as(&self.secret, message, Clock::system().now(), body).await
    }

    pub async fn tell_as(&self, secret: &Secret, message: &str, at: Time, body: &Json) -> Response {
        let bytes = body.to_string().into_bytes();
        let signed = secret.sign(message, at, &bytes);
        let headers: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        self.shop.p.send_bytes("POST", &format!("{INBOX}/shapla-express"), &Caller::default(), bytes, &headers).await
    }
}

/// What a carrier tells that happened so many minutes before another hour has passed: after the test's orders were placed.
pub fn told(number: &str, status: &str, minutes_ago: i64) -> Json {
    let time = Clock::system().now().plus_seconds(3_600 - 60 * minutes_ago);
    json!({"number": number, "status": status, "time": time, "weight": {"grams": 700}})
}

pub fn carried(status: &str, number: &str) -> Json {
    json!({"status": status, "tracking": {"carrier": " Shapla  EXPRESS", "number": number}})
}

/// A sale whose part is with the carrier.
async fn shipped(shop: &Shop, shopper: &Caller, number: &str) -> Json {
    let order = shop.sale(shopper, &shop.good(10_000 + shop.count("orders", "orders").await, 9).await, 1).await;
    ship(shop, &shop.seller, &order["vendorOrders"][0], number).await;
    order
}

pub async fn ship(shop: &Shop, seller: &Caller, part: &Json, number: &str) {
    shop.advance(seller, part, "processing").await.expect(200);
    shop.advance_with(seller, part, carried("shipped", number)).await.expect(200);
}

pub async fn tracking(shop: &Shop, who: &Caller, order: &Json) -> Json {
    let path = format!("/api/v1/orders/{}/tracking", text(&order["id"]));
    shop.p.send("GET", &path, who, None, &[]).await.expect(200).body["data"].clone()
}

/// The carrier's steps of a part.
pub fn steps(part: &Json) -> Vec<&str> {
    part["carrierSteps"].as_array().unwrap().iter().map(|s| s["status"].as_str().unwrap()).collect()
}

/// What the inbox says, newest first: message, verdict, number, and why.
pub async fn inbox(shop: &Shop, filter: &str) -> Vec<Json> {
    let admin = testing::user_with(&[Role::Admin]);
    let page = shop.p.send("GET", &format!("{INBOX}?limit=100{filter}"), &admin, None, &[]).await.expect(200).body;
    page["data"].as_array().unwrap().clone()
}

pub async fn replay(shop: &Shop, row: &Json) -> Response {
    let path = format!("{INBOX}/{}/replay", text(&row["id"]));
    shop.p.send("POST", &path, &testing::user_with(&[Role::Admin]), None, &[]).await
}

async fn only_what_is_under_way_is_delivered(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper) = (Courier::of(&shop).await, testing::user());
    let states: [(&str, &[&str]); 7] = [
        ("processing", &["processing"]),
        ("shipped", &["processing", "shipped"]),
        ("delivered", &["processing", "shipped", "delivered"]),
        ("refused", &["processing", "shipped", "refused"]),
        ("cancelled", &["processing", "cancel"]),
        ("return_requested", &["processing", "shipped", "delivered", "ask back"]),
        ("returned", &["processing", "shipped", "delivered", "ask back", "approve", "receive"]),
    ];
    for (price, (state, way)) in (10_000..).zip(states) {
        let order = shop.sale(&shopper, &shop.good(price, 3).await, 1).await;
        let part = &order["vendorOrders"][0];
        let mut back = Json::Null;
        for step in way {
            match *step {
                "cancel" => drop(shop.cancel(&shopper, &order).await.expect(200)),
                "ask back" => back = shop.ask_back(&shopper, &order, 1).await.expect(201).body,
                "approve" | "receive" => drop(shop.say(&shop.seller, &back, step).await.expect(200)),
                step => drop(shop.advance_with(&shop.seller, part, carried(step, state)).await.expect(200)),
            }
        }
        shop.p.settle().await;
        let all = ["picked_up", "in_transit", "out_for_delivery", "failed_attempt", "returned", "delivered"];
        for (n, status) in all.iter().enumerate() {
            courier.tell(&format!("{state}-{status}"), &told(state, status, 30 - n as i64)).await.expect(200);
            let expected = if (state, *status) == ("shipped", "delivered") { "delivered" } else { state };
            let part = &tracking(&shop, &shopper, &order).await[0];
            assert_eq!((part["status"].as_str(), steps(part)), (Some(expected), all[..=n].to_vec()), "{status} of what is {state}");
        }
        shop.p.settle().await;
    }
    for row in inbox(&shop, "").await {
        let verdict = if row["messageId"] == "processing-delivered" { "failed" } else { "applied" };
        assert_eq!((&row["verdict"], row["detail"].is_null()), (&json!(verdict), verdict == "applied"), "{row}");
    }
}

async fn what_comes_twice_or_late_stands_once_in_its_place(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper) = (Courier::of(&shop).await, testing::user());
    let order = shipped(&shop, &shopper, "SE-1").await;
    for _ in 0..2 {
        for (id, status, ago) in [("m3", "delivered", 1), ("m1", "picked_up", 50), ("m2", "in_transit", 20), ("m3", "in_transit", 1)] {
            courier.tell(id, &told(" se-1", status, ago)).await.expect(200);
            assert_eq!(shop.get(&shopper, &order).await["status"], "delivered", "after {status}");
        }
    }
    let part = &tracking(&shop, &shopper, &order).await[0];
    assert_eq!(steps(part), ["picked_up", "in_transit", "delivered"]);
    let back = told("SE-1", "returned", 0);
    let both = tokio::join!(courier.tell("m4", &back), courier.tell("m4", &back));
    assert_eq!((both.0.status, both.1.status), (200, 200));
    for row in inbox(&shop, "&number=SE-1&carrier=Shapla Express".replace(' ', "%20").as_str()).await {
        assert_eq!(replay(&shop, &row).await.expect(200).body["verdict"], "applied");
    }
    assert_eq!(steps(&tracking(&shop, &shopper, &order).await[0]), ["picked_up", "in_transit", "delivered", "returned"]);
    let history = shop.history(&shopper, &order).await;
    assert_eq!(history.iter().filter(|t| *t == "order.delivered").count(), 1);
    assert_eq!(shop.count("orders", "carrier_inbox").await, 4);
}

async fn what_nobody_vouched_for_is_refused(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper) = (Courier::of(&shop).await, testing::user());
    let order = shipped(&shop, &shopper, "SE-1").await;
    let (body, now, guessed) = (told("SE-1", "delivered", 1), Clock::system().now(), Secret::from_text("guessed guessed guessed"));
    for (case, secret, at) in [
        ("another secret", &guessed, now),
        ("too old", &courier.secret, now.plus_seconds(-301)),
        ("from the future", &courier.secret, now.plus_seconds(330)),
    ] {
        let refused = courier.tell_as(secret, "m1", at, &body).await;
        assert_eq!((refused.status, refused.code()), (401, "unauthenticated"), "{case}");
    }
    let to = |carrier: &str| format!("{INBOX}/{carrier}");
    let long = vec![b'x'; 5_000];
    shop.p.send_bytes("POST", &to("shapla-express"), &Caller::default(), long, &[("webhook-id", "m")]).await.expect(401);
    shop.p.send("POST", &to("doel-parcel"), &Caller::default(), Some(body), &[]).await.expect(404);
    let kept = inbox(&shop, "&verdict=refused").await;
    assert_eq!((kept.len(), kept[0]["body"].as_str().unwrap().len(), &kept[0]["messageId"]), (4, 2_048, &Json::Null));
    assert_eq!(replay(&shop, &kept[1]).await.expect(409).code(), "not_verified");
    assert_eq!(tracking(&shop, &shopper, &order).await[0]["status"], "shipped");
    let admin = testing::user_with(&[Role::Admin]);
    let unknown = format!("{INBOX}/{}/replay", Uuid::nil());
    shop.p.send("POST", &unknown, &admin, None, &[]).await.expect(404);
    for who in [Caller::default(), testing::user_with(&[Role::Vendor, Role::Support])] {
        for (method, path) in [("GET", INBOX), ("POST", unknown.as_str())] {
            shop.p.send(method, path, &who, None, &[]).await.expect(403);
        }
    }
    for query in ["verdict=gone", "limit=0", "cursor=x", "nothing=1"] {
        shop.p.send("GET", &format!("{INBOX}?{query}"), &admin, None, &[]).await.expect(400);
    }
}

async fn what_cannot_be_read_is_named_and_kept(engine: Engine) {
    let shop = Shop::open(engine).await;
    let courier = Courier::of(&shop).await;
    for (n, body) in [json!(null), json!({}), told("SE-1", "lost", 1), told(" ", "delivered", 1)].iter().enumerate() {
        assert_eq!(courier.tell(&format!("m{n}"), body).await.expect(400).code(), "malformed", "{body}");
    }
    let kept = inbox(&shop, "&verdict=malformed").await;
    assert!(kept.len() == 4 && kept[1]["detail"].as_str().unwrap().contains("out_for_delivery"), "{kept:?}");
    assert_eq!(replay(&shop, &kept[1]).await.expect(200).body["verdict"], "malformed");
    // The job that forgets may be under way for the first time: it must not meet the later clock half-way.
    shop.p.settle().await;
    shop.p.advance_seconds(31 * 24 * 3_600);
    shop.p.settle().await;
    assert_eq!(inbox(&shop, "").await.len(), 0, "old messages are forgotten");
}

async fn a_number_that_comes_later_finds_what_was_told(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper) = (Courier::of(&shop).await, testing::user());
    for (id, status, ago) in [("m2", "delivered", 1), ("m1", "picked_up", 9)] {
        courier.tell(id, &told("SE-7", status, ago)).await.expect(200);
    }
    let waiting = inbox(&shop, "&verdict=failed").await;
    assert!(waiting.len() == 2 && waiting[0]["detail"].as_str().unwrap().contains("number"), "{waiting:?}");
    assert_eq!(replay(&shop, &waiting[0]).await.expect(200).body["verdict"], "failed", "it is still not known");
    let order = shipped(&shop, &shopper, "SE-7").await;
    let applied = replay(&shop, &waiting[0]).await.expect(200).body;
    assert_eq!((&applied["verdict"], &applied["detail"], &applied["id"]), (&json!("applied"), &Json::Null, &waiting[0]["id"]));
    shop.p.settle().await;
    let part = &tracking(&shop, &shopper, &order).await[0];
    assert_eq!((&part["status"], steps(part)), (&json!("delivered"), vec!["picked_up", "delivered"]), "the other was heard by itself");
    assert_eq!(inbox(&shop, "&verdict=applied").await.len(), 2);
}

async fn a_parcel_of_two_parts_is_delivered_whole(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper, other) = (Courier::of(&shop).await, testing::user(), testing::user());
    let orders = [shipped(&shop, &shopper, "SE-2").await, shipped(&shop, &other, "se-2").await];
    courier.tell("m1", &told("SE-2", "in_transit", 5)).await.expect(200);
    courier.tell("m2", &told("SE-2", "delivered", 1)).await.expect(200);
    for (who, order) in [&shopper, &other].into_iter().zip(&orders) {
        let part = &tracking(&shop, who, order).await[0];
        assert_eq!((&part["status"], steps(part)), (&json!("delivered"), vec!["in_transit", "delivered"]));
    }
    // Final orders are not meant when the carrier gives the number out again.
    let week = 8 * 24 * 3_600;
    shop.p.advance_seconds(week);
    shop.p.settle().await;
    assert_eq!(shop.get(&shopper, &orders[0]).await["status"], "completed");
    let again = shipped(&shop, &shopper, "SE-2").await;
    let later = Clock::system().now().plus_seconds(week);
    let mut body = told("SE-2", "picked_up", 0);
    body["time"] = json!(later);
    courier.tell_as(&courier.secret, "m3", later, &body).await.expect(200);
    assert_eq!(steps(&tracking(&shop, &shopper, &again).await[0]), ["picked_up"]);
    assert_eq!(steps(&tracking(&shop, &shopper, &orders[0]).await[0]).len(), 2);
}

/// A cash order of one good of each of two stores, 10,000 and 5,000, with shipping of 6,000 each, in one parcel.
async fn cash_parcel(shop: &Shop, shopper: &Caller, number: &str) -> Json {
    let (other, _) = shop.another_store().await;
    let goods = [shop.good(10_000, 3).await, shop.good_of(&other, "physical", 5_000, 3).await];
    let items: Vec<_> = goods.iter().map(|g| json!({"variantId": g.variant, "quantity": 1})).collect();
    let body = json!({"items": items, "shippingAddress": address(), "paymentMethod": "cod"});
    let order = shop.post(shopper, "k", body).await.expect(201).body;
    shop.p.settle().await;
    for (seller, part) in [&shop.seller, &other].into_iter().zip(order["vendorOrders"].as_array().unwrap()) {
        ship(shop, seller, part, number).await;
    }
    order
}

pub fn with_cash(number: &str, amount: i64, currency: &str) -> Json {
    let mut body = told(number, "delivered", 1);
    body["collected"] = json!({"amount": amount, "currency": currency});
    body
}

async fn cash_is_taken_as_the_carrier_says(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper) = (Courier::of(&shop).await, testing::user());
    let order = cash_parcel(&shop, &shopper, "SE-3").await;
    courier.tell("m1", &with_cash("SE-3", 26_999, "BDT")).await.expect(200);
    let failed = inbox(&shop, "&verdict=failed").await;
    assert!(failed[0]["detail"].as_str().unwrap().contains("2 parts"), "{failed:?}");
    assert!(tracking(&shop, &shopper, &order).await.as_array().unwrap().iter().all(|p| p["status"] == "shipped" && steps(p).len() == 1));
    courier.tell("m2", &with_cash("SE-3", 27_000, "BDT")).await.expect(200);
    shop.p.settle().await;
    let (after, payment) = (shop.get(&shopper, &order).await, shop.payment(&shopper, &order).await);
    assert_eq!((&after["status"], &payment["status"]), (&json!("delivered"), &json!("completed")));
    assert_eq!(shop.journals(&order).await, ["cash_collected", "cash_collected"]);

    let mut body = order_of(&shop.good(7_000, 3).await, 1);
    body["paymentMethod"] = json!("cod");
    let order = shop.post(&shopper, "one", body).await.expect(201).body;
    shop.p.settle().await;
    ship(&shop, &shop.seller, &order["vendorOrders"][0], "SE-4").await;
    courier.tell("m3", &with_cash("SE-4", 12_000, "BDT")).await.expect(200);
    shop.p.settle().await;
    let payment = shop.payment(&shopper, &order).await;
    assert_eq!((&payment["status"], &payment["cash"][0]["missing"]["amount"]), (&json!("processing"), &json!(1_000)));
}

async fn cash_that_does_not_fit_delivers_nothing(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper) = (Courier::of(&shop).await, testing::user());
    let order = shipped(&shop, &shopper, "SE-5").await;
    courier.tell("m1", &with_cash("SE-5", 100, "BDT")).await.expect(200);
    let failed = inbox(&shop, "&verdict=failed").await;
    assert!(failed[0]["detail"].as_str().unwrap().contains("cash"), "{failed:?}");
    let part = &tracking(&shop, &shopper, &order).await[0];
    assert_eq!((&part["status"], steps(part)), (&json!("shipped"), vec!["delivered"]), "it is not forgotten that it arrived");
    courier.tell("m2", &with_cash("SE-5", 0, "BDT")).await.expect(200);
    assert_eq!(tracking(&shop, &shopper, &order).await[0]["status"], "delivered", "no cash where none is due is no mistake");
}

async fn steps_are_shown_to_whom_the_order_belongs(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper) = (Courier::of(&shop).await, testing::user());
    let order = shipped(&shop, &shopper, "SE-6").await;
    let mut body = told("SE-6", "in_transit", 3);
    (body["location"], body["note"]) = (json!("Sylhet hub"), json!("Sorted"));
    courier.tell("m1", &body).await.expect(200);
    let path = format!("/api/v1/orders/{}/tracking", text(&order["id"]));
    for stranger in [testing::user(), testing::guest(), shop.seller.clone()] {
        shop.p.send("GET", &path, &stranger, None, &[]).await.expect(404);
    }
    let step = &tracking(&shop, &shopper, &order).await[0]["carrierSteps"][0];
    assert_eq!(step, &json!({"status": "in_transit", "time": body["time"], "location": "Sylhet hub", "note": "Sorted"}));
    assert!(!shop.history(&shopper, &order).await.is_empty());
    let log = shop.p.db("orders").read(|q| kit::events::after(q, 0, 100)).await.unwrap();
    assert!(log.iter().all(|e| !e.json().to_string().contains("Sylhet hub")), "logs are kept for ever");
}

async fn every_route_of_carriers_answers_in_its_form(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper, admin) = (Courier::of(&shop).await, testing::user(), testing::user_with(&[Role::Admin]));
    let order = shipped(&shop, &shopper, "SE-8").await;
    let mut seen: Vec<Json> = Vec::new();
    let mut note = |what: &str, answer: Response| {
        let mut body = answer.body;
        // What differs from run to run: when it was signed, and so with what result.
        body.get_mut("data").and_then(Json::as_array_mut).into_iter().flatten().for_each(hide);
        hide(&mut body);
        seen.push(json!({"request": what, "status": answer.status, "body": body}));
    };
    note("POST /shipping/webhooks/{carrier}", courier.tell("m1", &told("SE-8", "out_for_delivery", 1)).await);
    note("POST /shipping/webhooks/{carrier} of no use", courier.tell("m2", &told("SE-9", "delivered", 1)).await);
    note("POST /shipping/webhooks/{carrier}, unreadable", courier.tell("m3", &json!({"number": "SE-8"})).await);
    let guessed = Secret::from_text("guessed guessed guessed");
    note("POST /shipping/webhooks/{carrier} of another", courier.tell_as(&guessed, "m4", Clock::system().now(), &json!({})).await);
    let unknown = shop.p.send("POST", &format!("{INBOX}/doel-parcel"), &Caller::default(), Some(json!({})), &[]).await;
    note("POST /shipping/webhooks/{carrier} that is unknown", unknown);
    note("GET /shipping/webhooks", shop.p.send("GET", INBOX, &admin, None, &[]).await);
    let failed = inbox(&shop, "&verdict=failed").await;
    note("POST /shipping/webhooks/{id}/replay", replay(&shop, &failed[0]).await);
    let path = format!("/api/v1/orders/{}/tracking", text(&order["id"]));
    note("GET /orders/{id}/tracking", shop.p.send("GET", &path, &shopper, None, &[]).await);
    insta::assert_compact_json_snapshot!("routes_of_carriers", redact(&json!(seen)));
}

fn hide(row: &mut Json) {
    if row["headers"].is_object() {
        let names: BTreeSet<String> = row["headers"].as_object().into_iter().flat_map(|h| h.keys().cloned()).collect();
        row["headers"] = json!(names);
        row["body"] = json!(row["body"].as_str().unwrap_or_default().split("\"time\"").next());
    }
}

#[test]
fn a_mistake_in_the_configuration_of_carriers_is_named() {
    let carriers = |carriers: Json| (orders::SERVICE.check_config)(&json!({ "carriers": carriers }));
    let right = json!({"secret": "sixteen bytes ok"});
    assert_eq!(carriers(json!({"pathao": right, "e_courier": {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}})), Ok(()));
    for (wrong, expected) in [
        (json!({"pathao": {"secret": "short"}}), "carriers.pathao.secret: expected at least 16 bytes"),
        (json!({"pathao": {}}), "secret"),
        (json!({"pathao": {"secret": "sixteen bytes ok", "key": 1}}), "`key`"),
        (json!({"a/b": right}), "a/b"),
        (json!({"-": right}), "letters, digits"),
        (json!({"e-courier": right, "e_courier": right}), "twice"),
    ] {
        let error = carriers(wrong.clone()).unwrap_err();
        assert!(error.contains(expected), "{wrong}: {error}");
    }
}
