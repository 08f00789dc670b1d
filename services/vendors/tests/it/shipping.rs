//! What stores take for carrying goods.

use contracts::proto::vendors::vendors_client::VendorsClient;
use contracts::proto::vendors::{Destination, SaleLine, SaleTermsRequest};
use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform};

use crate::ensure;

testing::both_engines!(
    a_store_ships_as_the_marketplace_until_it_says_otherwise,
    only_the_owner_says_how_a_store_ships,
    what_is_wrong_with_shipping_methods_is_named,
    stores_of_one_order_ship_each_in_their_way,
    the_marketplaces_own_methods_are_configured,
);

const SHIPPING: &str = "/api/v1/vendors/store/shipping";

fn bdt(amount: i64) -> Json {
    json!({"amount": amount, "currency": "BDT"})
}

/// 60 in Dhaka, 120 elsewhere in the country, 20 for each kilogram above the first; free from 2,000.
fn methods() -> Json {
    let rate = |price, zone: Json| json!({"price": bdt(price), "zone": zone, "perKilogram": bdt(2_000), "includedGrams": 1_000, "freeFrom": bdt(200_000)});
    json!({"methods": [
        {"code": "standard", "name": "By courier", "rates": [
            rate(6_000, json!({"countries": ["BD"], "cities": ["Dhaka"], "postalPrefixes": ["12"]})),
            rate(12_000, json!({"countries": ["BD"]})),
        ]},
        {"code": "same-day", "name": "Today", "rates": [{"price": bdt(20_000), "zone": {"countries": ["BD"], "cities": ["Dhaka"]}, "maxGrams": 5_000}]},
    ]})
}

async fn store_of(p: &TestPlatform, slug: &str) -> (Caller, String) {
    let seller = testing::user_with(&[Role::Vendor]);
    let store = ensure(p, slug, seller.user.as_ref().unwrap().id.to_string()).await;
    (seller, store.vendor_id)
}

fn line(vendor: &str, amount: i64, grams: Option<i64>) -> SaleLine {
    SaleLine { vendor_id: vendor.into(), category_ids: Vec::new(), amount, currency: "BDT".into(), grams }
}

/// Store, method and price of what is offered.
async fn offers(p: &TestPlatform, lines: Vec<SaleLine>, city: &str) -> Vec<(String, String, i64)> {
    let destination = Some(Destination { country: "BD".into(), city: city.into(), postal_code: String::new() });
    let request = SaleTermsRequest { lines, destination };
    let terms = VendorsClient::new(p.channel("vendors")).sale_terms(request).await.unwrap().into_inner();
    terms.offers.into_iter().map(|o| (o.vendor_id, o.method, o.amount)).collect()
}

async fn a_store_ships_as_the_marketplace_until_it_says_otherwise(engine: Engine) {
    let p = TestPlatform::start(engine, &[vendors::SERVICE]).await;
    let (seller, store) = store_of(&p, "looms").await;
    let public = format!("/api/v1/shipping/methods?vendorId={store}");
    let get = |path: String| async { p.send("GET", &{ path }, &testing::guest(), None, &[]).await };
    let defaults = get("/api/v1/shipping/methods".into()).await.expect(200).body;
    assert_eq!((&defaults["data"][0]["code"], &defaults["data"][0]["rates"][0]["price"]), (&json!("standard"), &bdt(6_000)));
    assert_eq!(get(public.clone()).await.expect(200).body, defaults);
    let before = p.send("GET", SHIPPING, &seller, None, &[]).await.expect(200);
    assert_eq!((&before.body, before.header("etag")), (&defaults, "\"1\""));

    let set = p.send("PUT", SHIPPING, &seller, Some(methods()), &[("if-match", "\"1\"")]).await.expect(200);
    assert_eq!((set.header("etag"), &set.body["own"]), ("\"2\"", &json!(true)));
    insta::assert_compact_json_snapshot!("methods", set.body);
    assert_eq!(get(public.clone()).await.expect(200).body, set.body);
    p.send("PUT", SHIPPING, &seller, Some(methods()), &[("if-match", "\"1\"")]).await.expect(412);

    let back = p.send("PUT", SHIPPING, &seller, Some(json!({"methods": []})), &[]).await.expect(200).body;
    assert_eq!((&back, get(public).await.expect(200).body), (&defaults, defaults.clone()));
    let unknown = get("/api/v1/shipping/methods?vendorId=01890000-0000-7000-8000-000000000000".into()).await;
    assert_eq!(unknown.status, 404);
    get("/api/v1/shipping/methods?store=looms".into()).await.expect(400);
}

async fn only_the_owner_says_how_a_store_ships(engine: Engine) {
    let p = TestPlatform::start(engine, &[vendors::SERVICE, crate::identity::SERVICE]).await;
    let ((owner, store), (worker, stranger)) =
        (store_of(&p, "looms").await, (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor])));
    let worker_id = worker.user.as_ref().unwrap().id;
    crate::identity::know(worker_id);
    p.send("POST", "/api/v1/vendors/store/staff", &owner, Some(json!({"userId": worker_id})), &[]).await.expect(201);
    let accept = format!("/api/v1/vendors/staff/invitations/{store}/accept");
    p.send("POST", &accept, &worker, None, &[]).await.expect(200);
    p.send("GET", SHIPPING, &worker, None, &[]).await.expect(200);
    p.send("PUT", SHIPPING, &worker, Some(methods()), &[]).await.expect(403);
    p.send("PUT", SHIPPING, &stranger, Some(methods()), &[]).await.expect(404);
    assert_eq!(p.send("GET", SHIPPING, &owner, None, &[]).await.expect(200).body["own"], false);
}

async fn what_is_wrong_with_shipping_methods_is_named(engine: Engine) {
    let p = TestPlatform::start(engine, &[vendors::SERVICE]).await;
    let (seller, _) = store_of(&p, "looms").await;
    let one = |rate: Json| json!({"methods": [{"code": "standard", "name": "Standard", "rates": [rate]}]});
    let cases = [
        (json!({}), 400, ""),
        (json!({"methods": [{"code": "a", "name": "A", "rates": [{"price": bdt(1), "colour": "red"}]}]}), 400, ""),
        (one(json!({"price": {"amount": 1, "currency": "XXZ"}})), 400, ""),
        (one(json!({"price": bdt(1), "maxGrams": 1.5})), 400, ""),
        (one(json!({"price": bdt(-1)})), 422, "/methods/0/rates/0/price"),
        (one(json!({"price": bdt(1), "zone": {"cities": ["Dhaka"]}})), 422, "/methods/0/rates/0/zone/countries"),
        (json!({"methods": [{"code": "none", "name": "Standard", "rates": []}]}), 422, "/methods/0/code"),
    ];
    for (body, status, pointer) in cases {
        let answer = p.send("PUT", SHIPPING, &seller, Some(body.clone()), &[]).await;
        assert_eq!(
            (answer.status, answer.body["errors"][0]["pointer"].as_str().unwrap_or("")),
            (status, pointer),
            "{body} → {}",
            answer.body
        );
    }
}

async fn stores_of_one_order_ship_each_in_their_way(engine: Engine) {
    let p = TestPlatform::start(engine, &[vendors::SERVICE]).await;
    let ((seller, looms), (_, teas)) = (store_of(&p, "looms").await, store_of(&p, "teas").await);
    p.send("PUT", SHIPPING, &seller, Some(methods()), &[]).await.expect(200);
    let offer = |store: &str, method: &str, price| (store.to_owned(), method.to_owned(), price);
    // (worth and weight of the lines of looms, city, what looms takes)
    let cases = [
        (vec![(1_000, Some(1_000))], "Dhaka", vec![("standard", 6_000), ("same-day", 20_000)]),
        (vec![(1_000, Some(600)), (1_000, Some(600))], "Dhaka", vec![("standard", 8_000), ("same-day", 20_000)]),
        (vec![(1_000, Some(5_001))], "Dhaka", vec![("standard", 16_000)]),
        (vec![(1_000, Some(1))], "Sylhet", vec![("standard", 12_000)]),
        (vec![(199_999, Some(1)), (1, Some(1))], "Sylhet", vec![("standard", 0)]),
        (vec![(199_999, Some(1)), (900_000, None)], "Sylhet", vec![("standard", 12_000)]),
        (vec![(900_000, None)], "Dhaka", vec![]),
    ];
    for (lines, city, expected) in cases {
        let all = lines.iter().map(|(amount, grams)| line(&looms, *amount, *grams)).chain([line(&teas, 1_000, Some(90_000))]);
        let mut found = offers(&p, all.collect(), city).await;
        let place = found.iter().position(|(store, ..)| *store == teas).expect("teas ships as the marketplace does");
        assert_eq!(found.remove(place), offer(&teas, "standard", 6_000));
        let expected: Vec<_> = expected.into_iter().map(|(method, price)| offer(&looms, method, price)).collect();
        assert_eq!(found, expected, "{lines:?} to {city}");
    }
}

async fn the_marketplaces_own_methods_are_configured(engine: Engine) {
    let config = json!({"vendors": {"shipping": methods()["methods"]}});
    let p = TestPlatform::start_with(engine, &[vendors::SERVICE], config).await;
    let (_, store) = store_of(&p, "looms").await;
    let found = offers(&p, vec![line(&store, 1, Some(1))], "Rangpur").await;
    assert_eq!(found, [(store, "standard".to_owned(), 12_000)]);
    let wrong = json!({"commission_basis_points": 0, "shipping": [{"code": "A", "name": "A", "rates": []}]});
    let refused = (vendors::SERVICE.check_config)(&wrong).unwrap_err();
    assert!(refused.starts_with("shipping: /methods/0/code: "), "{refused}");
}
