use contracts::proto::payments as api;
use serde_json::json;
use testing::Engine;

use crate::shop::{Begun, Shop, id};

testing::both_engines!(
    an_approval_captures_once_whatever_the_provider_does,
    a_decline_fails_the_payment,
    a_timeout_is_charged_at_once_and_told_late,
    confirming_alone_is_enough,
    a_repeated_initiate_gets_the_first_payment,
    an_initiate_after_its_void_is_refused,
    what_cannot_be_begun_is_refused,
    nothing_to_pay_is_paid_at_once,
    cash_waits_for_its_delivery,
    a_void_closes_the_page,
    a_void_of_a_captured_payment_gives_everything_back,
    a_charge_that_lands_on_a_failed_payment_goes_back_by_itself,
);

async fn an_approval_captures_once_whatever_the_provider_does(engine: Engine) {
    let shop = Shop::open_with(engine, json!({})).await;
    for amount in [129_900, 1, 999, 1_000_003, 7, 70_001] {
        let begun = shop.begin(amount).await;
        let told = shop.answer(&begun, "approve").await.expect(200).body;
        assert_eq!(told["status"], "approved");
        assert_eq!(told["redirectUrl"], format!("http://haat.test/orders/{}?payment=approved", begun.order));
        shop.p.settle().await;
        let payment = shop.payment(&begun).await;
        assert_eq!((&payment["status"], &payment["provider"]), (&json!("completed"), &json!("sandbox")));
        assert_eq!(payment["amount"], json!({"amount": amount, "currency": "BDT"}));
        assert_eq!(payment["refunded"], json!({"amount": 0, "currency": "BDT"}));
        assert_eq!(shop.journals(&begun).await, ["capture"]);
        assert_eq!(shop.charge(&begun).await.unwrap()["amount"]["amount"], amount);
    }
}

async fn a_decline_fails_the_payment(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    assert_eq!(shop.answer(&begun, "decline").await.expect(200).body["status"], "declined");
    shop.p.settle().await;
    assert_eq!(shop.payment(&begun).await["status"], "failed");
    assert_eq!(shop.charge(&begun).await, None);
    assert_eq!(shop.journals(&begun).await, [""; 0]);
}

async fn a_timeout_is_charged_at_once_and_told_late(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    assert_eq!(shop.answer(&begun, "timeout").await.expect(200).body["status"], "pending");
    shop.p.settle().await;
    assert_eq!(shop.payment(&begun).await["status"], "requires_action");
    assert_eq!(shop.charge(&begun).await.unwrap()["status"], "succeeded");
    shop.p.advance_seconds(61);
    shop.p.settle().await;
    assert_eq!(shop.payment(&begun).await["status"], "completed");
}

async fn confirming_alone_is_enough(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    assert_eq!(shop.confirm(&begun).await.expect(200).body["status"], "requires_action");
    shop.answer(&begun, "timeout").await.expect(200);
    for _ in 0..3 {
        assert_eq!(shop.confirm(&begun).await.expect(200).body["status"], "completed");
    }
    assert_eq!(shop.journals(&begun).await, ["capture"]);
}

async fn a_repeated_initiate_gets_the_first_payment(engine: Engine) {
    let shop = Shop::open(engine).await;
    let request = shop.wanted(500);
    let first = shop.initiate(request.clone()).await.unwrap();
    assert_eq!(shop.initiate(request.clone()).await.unwrap(), first);
    let begun = Begun { id: first.payment_id.parse().unwrap(), order: first.order_id.parse().unwrap(), url: first.action_url };
    shop.answer(&begun, "approve").await.expect(200);
    shop.p.settle().await;
    assert_eq!(shop.initiate(request.clone()).await.unwrap().status, "completed");
    let other = api::InitiateRequest { order_id: id().to_string(), ..request };
    assert_eq!(shop.initiate(other).await.unwrap_err().code(), tonic::Code::FailedPrecondition);
}

async fn an_initiate_after_its_void_is_refused(engine: Engine) {
    let shop = Shop::open(engine).await;
    let request = shop.wanted(500);
    let begun = Begun { id: request.payment_id.parse().unwrap(), order: request.order_id.parse().unwrap(), url: String::new() };
    assert_eq!(shop.void(&begun).await.unwrap().status, "cancelled");
    assert_eq!(shop.void(&begun).await.unwrap().status, "cancelled");
    assert_eq!(shop.initiate(request).await.unwrap_err().code(), tonic::Code::FailedPrecondition);
}

async fn what_cannot_be_begun_is_refused(engine: Engine) {
    let shop = Shop::open(engine).await;
    let good = shop.wanted(500);
    let money = |amount, currency: &str| Some(api::Money { amount, currency: currency.into() });
    for (case, bad) in [
        ("an id that is none", api::InitiateRequest { payment_id: "x".into(), ..good.clone() }),
        ("an unknown method", api::InitiateRequest { method: "shells".into(), ..good.clone() }),
        ("no amount", api::InitiateRequest { amount: None, ..good.clone() }),
        ("an unknown currency", api::InitiateRequest { amount: money(500, "ABC"), ..good.clone() }),
        ("less than nothing", api::InitiateRequest { amount: money(-500, "BDT"), ..good.clone() }),
        ("shares of another amount", api::InitiateRequest { amount: money(501, "BDT"), ..good.clone() }),
    ] {
        let refused = shop.initiate(bad).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{case}: {refused}");
    }
}

async fn nothing_to_pay_is_paid_at_once(engine: Engine) {
    let shop = Shop::open(engine).await;
    let free = api::InitiateRequest { amount: Some(api::Money { amount: 0, currency: "BDT".into() }), shares: vec![], ..shop.wanted(0) };
    let paid = shop.initiate(free).await.unwrap();
    assert_eq!((paid.status.as_str(), paid.action_url.as_str()), ("completed", ""));
}

async fn cash_waits_for_its_delivery(engine: Engine) {
    let shop = Shop::open(engine).await;
    let promised = shop.initiate(api::InitiateRequest { method: "cod".into(), ..shop.wanted(500) }).await.unwrap();
    assert_eq!((promised.status.as_str(), promised.action_url.as_str()), ("processing", ""));
    let begun = Begun { id: promised.payment_id.parse().unwrap(), order: promised.order_id.parse().unwrap(), url: String::new() };
    assert_eq!(shop.confirm(&begun).await.expect(200).body["status"], "processing");
    assert_eq!(shop.void(&begun).await.unwrap().status, "cancelled");
}

async fn a_void_closes_the_page(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    assert_eq!(shop.void(&begun).await.unwrap().status, "cancelled");
    for answer in ["approve", "decline", "timeout"] {
        assert_eq!(shop.answer(&begun, answer).await.expect(409).code(), "payment_cancelled");
    }
    assert_eq!(shop.payment(&begun).await["status"], "cancelled");
    assert_eq!(shop.charge(&begun).await, None);
}

async fn a_void_of_a_captured_payment_gives_everything_back(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.paid(500).await;
    assert_eq!(shop.void(&begun).await.unwrap().refunded, 500);
    assert_eq!(shop.void(&begun).await.unwrap().refunded, 500);
    shop.p.settle().await;
    let payment = shop.payment(&begun).await;
    assert_eq!((&payment["status"], &payment["refunded"]["amount"]), (&json!("refunded"), &json!(500)));
    assert_eq!(shop.journals(&begun).await, ["capture", "refund_requested", "refund_completed"]);
    assert_eq!(shop.charge(&begun).await.unwrap()["status"], "refunded");
}

async fn a_charge_that_lands_on_a_failed_payment_goes_back_by_itself(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    shop.webhook("msg_declined", &crate::shop::message("charge.declined", &begun, 0)).await.expect(200);
    assert_eq!(shop.payment(&begun).await["status"], "failed");
    shop.answer(&begun, "approve").await.expect(200);
    shop.p.settle().await;
    assert_eq!(shop.payment(&begun).await["status"], "refunded");
    assert_eq!(shop.journals(&begun).await, ["capture", "refund_requested", "refund_completed"]);
    assert_eq!(shop.charge(&begun).await.unwrap()["status"], "refunded");
}
