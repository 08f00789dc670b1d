use contracts::proto::payments as api;
use contracts::proto::sandbox::sandbox_client::SandboxClient;
use kit::Caller;
use serde_json::json;
use testing::Engine;

use crate::shop::{Shop, id};

testing::both_engines!(
    an_administrator_refunds_in_parts_up_to_the_capture,
    a_repeat_with_the_same_key_gets_the_first_answer,
    a_store_refunds_its_own_part_and_no_more,
    who_may_not_refund_is_told_so,
    a_refund_that_cannot_be_is_refused,
    a_refund_the_provider_refuses_frees_what_was_set_aside,
    another_service_refunds_what_is_left,
    lines_are_refunded_by_the_piece_in_any_portions,
    another_service_refunds_pieces_once_per_key,
);

async fn an_administrator_refunds_in_parts_up_to_the_capture(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.paid(1_000).await;
    let first = shop.refund(&shop.admin, &begun, 400, "a").await.expect(201).body;
    assert_eq!((&first["status"], &first["paymentId"]), (&json!("completed"), &json!(begun.id)));
    assert_eq!(first["amount"], json!({"amount": 400, "currency": "BDT"}));
    assert_eq!(shop.payment(&begun).await["status"], "partially_refunded");
    let too_much = shop.refund(&shop.admin, &begun, 601, "b").await.expect(409);
    assert_eq!((too_much.code(), &too_much.body["left"]["amount"]), ("refund_exceeds_captured", &json!(600)));
    shop.refund(&shop.admin, &begun, 600, "c").await.expect(201);
    shop.p.settle().await;
    let payment = shop.payment(&begun).await;
    assert_eq!((&payment["status"], &payment["refunded"]["amount"]), (&json!("refunded"), &json!(1_000)));
    assert_eq!(shop.charge(&begun).await.unwrap()["refunded"]["amount"], 1_000);
    let accounts = shop.get("/api/v1/ledger/accounts", &shop.admin).await.expect(200).body;
    for account in accounts["data"].as_array().unwrap() {
        assert_eq!(account["balance"]["amount"], 0, "everything went back: {account}");
    }
}

async fn a_repeat_with_the_same_key_gets_the_first_answer(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.paid(1_000).await;
    let first = shop.refund(&shop.admin, &begun, 300, "key").await.expect(201);
    let again = shop.refund(&shop.admin, &begun, 300, "key").await.expect(201);
    assert_eq!((again.header("idempotent-replayed"), &again.bytes), ("true", &first.bytes));
    assert_eq!(shop.refund(&shop.admin, &begun, 301, "key").await.expect(422).code(), "idempotency_key_reused");
    assert_eq!(shop.payment(&begun).await["refunded"]["amount"], 300);
    let refused = shop.refund(&shop.admin, &begun, 701, "other").await.expect(409);
    assert_eq!(refused.code(), "refund_exceeds_captured");
    shop.refund(&shop.admin, &begun, 700, "other").await.expect(201);
}

async fn a_store_refunds_its_own_part_and_no_more(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.paid(1_000).await;
    let [_, seller] = &shop.sellers;
    assert_eq!(shop.refund(seller, &begun, 301, "a").await.expect(409).body["left"]["amount"], 300);
    shop.refund(seller, &begun, 300, "b").await.expect(201);
    assert_eq!(shop.refund(seller, &begun, 1, "c").await.expect(409).body["left"]["amount"], 0);
    let accounts = shop.get("/api/v1/ledger/accounts", &shop.admin).await.expect(200).body;
    let balance = |name: String| {
        let found = accounts["data"].as_array().unwrap().iter().find(|a| a["account"] == name).unwrap();
        found["balance"]["amount"].as_i64().unwrap()
    };
    assert_eq!(balance(format!("vendor_payable:{}", shop.stores[0])), -600);
    assert_eq!(balance(format!("vendor_payable:{}", shop.stores[1])), 0);
    assert_eq!(balance("commission".into()), -60);
}

async fn who_may_not_refund_is_told_so(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.paid(1_000).await;
    let stranger = testing::user_with(&[kit::Role::Vendor]);
    for (case, caller, status) in
        [("nobody", Caller::default(), 401), ("the payer", shop.payer.clone(), 403), ("a store that sold nothing here", stranger, 404)]
    {
        assert_eq!(shop.refund(&caller, &begun, 1, "k").await.status, status, "{case}");
    }
    assert_eq!(shop.payment(&begun).await["refunded"]["amount"], 0);
}

async fn a_refund_that_cannot_be_is_refused(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (open, paid) = (shop.begin(1_000).await, shop.paid(1_000).await);
    assert_eq!(shop.refund(&shop.admin, &open, 1, "k").await.expect(409).code(), "not_captured");
    let body = |amount, currency: &str, reason: &str| json!({"amount": {"amount": amount, "currency": currency}, "reason": reason});
    let path = |id: String| format!("/api/v1/payments/{id}/refund");
    let own = path(paid.id.to_string());
    for (case, path, body, status, code) in [
        ("nothing", own.clone(), body(0, "BDT", "x"), 422, "invalid"),
        ("less than nothing", own.clone(), body(-1, "BDT", "x"), 422, "invalid"),
        ("another currency", own.clone(), body(1, "USD", "x"), 422, "invalid"),
        ("more than fits", own.clone(), body(i64::MAX, "BDT", "x"), 409, "refund_exceeds_captured"),
        ("no currency", own.clone(), body(1, "XYZ", "x"), 400, "invalid_body"),
        ("no reason", own.clone(), body(1, "BDT", "  "), 422, "invalid"),
        ("a long reason", own.clone(), body(1, "BDT", &"x".repeat(501)), 422, "invalid"),
        (
            "an unknown field",
            own.clone(),
            json!({"amount": {"amount": 1, "currency": "BDT"}, "reason": "x", "all": true}),
            400,
            "invalid_body",
        ),
        ("a fraction", own.clone(), json!({"amount": {"amount": 1.5, "currency": "BDT"}, "reason": "x"}), 400, "invalid_body"),
        ("an unknown payment", path(id().to_string()), body(1, "BDT", "x"), 404, "not_found"),
        ("an id that is none", path("x".into()), body(1, "BDT", "x"), 404, "not_found"),
    ] {
        let refused = shop.p.send("POST", &path, &shop.admin, Some(body), &[("idempotency-key", "same")]).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{case}");
    }
    let keyless = shop.p.send("POST", &own, &shop.admin, Some(body(1, "BDT", "x")), &[]).await;
    assert_eq!(keyless.expect(400).code(), "idempotency_key_required");
    assert_eq!(shop.payment(&paid).await["refunded"]["amount"], 0);
}

async fn a_refund_the_provider_refuses_frees_what_was_set_aside(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.paid(1_000).await;
    let behind_our_back =
        contracts::proto::sandbox::RefundRequest { refund_id: id().to_string(), payment_id: begun.id.to_string(), amount: 900 };
    SandboxClient::new(shop.p.channel("sandbox")).refund(behind_our_back).await.unwrap();
    assert_eq!(shop.refund(&shop.admin, &begun, 200, "a").await.expect(201).body["status"], "failed");
    shop.p.settle().await;
    let payment = shop.payment(&begun).await;
    assert_eq!((&payment["status"], &payment["refunded"]["amount"]), (&json!("completed"), &json!(0)));
    assert_eq!(shop.journals(&begun).await, ["capture", "refund_requested", "refund_failed"]);
    assert_eq!(shop.refund(&shop.admin, &begun, 100, "b").await.expect(201).body["status"], "completed");
}

async fn another_service_refunds_what_is_left(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.paid(1_000).await;
    shop.refund(&shop.admin, &begun, 400, "a").await.expect(201);
    let all = |refund_id: String| api::RefundRequest {
        refund_id,
        payment_id: begun.id.to_string(),
        amount: 0,
        reason: "returned".into(),
        items: vec![],
        at_most: false,
        shipping_of: vec![],
    };
    let first = id().to_string();
    for _ in 0..2 {
        assert_eq!(shop.grpc().refund(all(first.clone())).await.unwrap().into_inner().amount, 600);
    }
    shop.p.settle().await;
    let again = shop.grpc().refund(all(first)).await.unwrap().into_inner();
    assert_eq!((again.status.as_str(), again.amount), ("completed", 600));
    let nothing_left = shop.grpc().refund(all(id().to_string())).await.unwrap().into_inner();
    assert_eq!((nothing_left.status.as_str(), nothing_left.amount), ("completed", 0));
    let too_much = api::RefundRequest { amount: 1, ..all(id().to_string()) };
    let refused = shop.grpc().refund(too_much).await.unwrap_err();
    assert_eq!(kit::problem::status_code_of(&refused), Some("refund_exceeds_captured"));
}

/// A sale with a line of three pieces for 500 of the first store and one of two for 255 of the second.
async fn with_lines(shop: &Shop) -> (crate::shop::Begun, [String; 2]) {
    let ids = [id().to_string(), id().to_string()];
    let line = |n: usize, quantity, total, commission| api::PaidLine {
        line_id: ids[n].clone(),
        vendor_id: shop.stores[n].to_string(),
        quantity,
        total,
        tax: 0,
        commission,
    };
    let begun = shop.paid_for(api::InitiateRequest { lines: vec![line(0, 3, 500, 50), line(1, 2, 255, 25)], ..shop.wanted(1_000) }).await;
    (begun, ids)
}

async fn lines_are_refunded_by_the_piece_in_any_portions(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (begun, ids) = with_lines(&shop).await;
    let path = format!("/api/v1/payments/{}/refund", begun.id);
    let refund = |caller: &Caller, key: &str, items: serde_json::Value| {
        let (p, path, caller, key) = (&shop.p, &path, caller.clone(), key.to_owned());
        async move { p.send("POST", path, &caller, Some(json!({"items": items, "reason": "torn"})), &[("idempotency-key", &key)]).await }
    };
    let pieces = |line: usize, quantity: i64| json!([{"lineId": ids[line], "quantity": quantity}]);
    let mut back = 0;
    for n in 0..3 {
        back += refund(&shop.sellers[0], &n.to_string(), pieces(0, 1)).await.expect(201).body["amount"]["amount"].as_i64().unwrap();
    }
    assert_eq!(back, 500, "all pieces come to the whole line");
    let more = refund(&shop.admin, "more", pieces(0, 1)).await.expect(409);
    assert_eq!((more.code(), &more.body["leftQuantity"]), ("refund_exceeds_captured", &json!(0)));
    assert_eq!(refund(&shop.sellers[0], "theirs", pieces(1, 1)).await.expect(422).body["errors"][0]["code"], "unknown_line");
    assert_eq!(refund(&shop.admin, "none", json!([])).await.expect(422).body["errors"][0]["code"], "invalid_items");
    for quantity in [0, -1] {
        let refused = refund(&shop.admin, "few", json!([pieces(1, 1)[0], {"lineId": ids[0], "quantity": quantity}])).await.expect(422).body;
        assert_eq!(
            (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
            (&json!("/items/1/quantity"), &json!("not_positive"))
        );
    }
    let both = json!({"items": pieces(1, 1), "amount": {"amount": 1, "currency": "BDT"}, "reason": "x"});
    let both = shop.p.send("POST", &path, &shop.admin, Some(both), &[("idempotency-key", "both")]).await;
    assert_eq!(both.expect(422).body["errors"][0]["code"], "amount_or_items");
    refund(&shop.admin, "rest", pieces(1, 2)).await.expect(201);
    shop.p.settle().await;
    assert_eq!(shop.payment(&begun).await["refunded"]["amount"], 755);
    shop.assert_balanced().await;
}

async fn another_service_refunds_pieces_once_per_key(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (begun, ids) = with_lines(&shop).await;
    let refund = |key: &str, quantity| {
        let items = vec![api::RefundItem { line_id: ids[0].clone(), quantity }];
        let request = api::RefundRequest {
            refund_id: key.to_owned(),
            payment_id: begun.id.to_string(),
            amount: 0,
            reason: "returned".into(),
            items,
            at_most: true,
            shipping_of: vec![],
        };
        async { shop.grpc().refund(request).await.unwrap().into_inner().amount }
    };
    let (one, two) = (id().to_string(), id().to_string());
    assert_eq!((refund(&one, 2).await, refund(&one, 2).await), (333, 333));
    shop.p.settle().await;
    assert_eq!((refund(&two, 2).await, refund(&two, 2).await), (167, 167), "what is left of the line");
    assert_eq!(refund(&id().to_string(), 1).await, 0, "nothing is left of it");
    shop.p.settle().await;
    assert_eq!(shop.payment(&begun).await["refunded"]["amount"], 500);
}
