use kit::webhook::Secret;
use kit::{Caller, Clock};
use serde_json::json;
use testing::Engine;

use crate::shop::{Begun, Shop, id, message};

testing::both_engines!(
    a_message_counts_once_in_any_number_and_order,
    a_message_that_is_not_the_providers_is_refused,
    a_message_that_cannot_be_read_is_refused,
    a_message_about_a_payment_that_is_not_here_yet_is_repeated,
    a_charge_of_another_amount_is_not_taken,
);

async fn a_message_counts_once_in_any_number_and_order(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    for (id, kind) in [
        ("msg_3", "charge.succeeded"),
        ("msg_3", "charge.succeeded"),
        ("msg_1", "charge.pending"),
        ("msg_2", "charge.declined"),
        ("msg_4", "charge.succeeded"),
        ("msg_5", "charge.disputed"),
        ("msg_3", "charge.succeeded"),
    ] {
        shop.webhook(id, &message(kind, &begun, 500)).await.expect(200);
        assert_eq!(shop.payment(&begun).await["status"], "completed", "after {kind}");
    }
    assert_eq!(shop.journals(&begun).await, ["capture"]);
}

async fn a_message_that_is_not_the_providers_is_refused(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    let (body, now) = (message("charge.succeeded", &begun, 500), Clock::system().now());
    let right = Secret::from_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    for (case, secret, at) in [
        ("another secret", Secret::from_text("guessed"), now),
        ("too old", right.clone(), now.plus_seconds(-301)),
        ("from the future", right, now.plus_seconds(330)),
    ] {
        let refused = shop.signed_webhook(&secret, "msg_1", at, &body).await;
        assert_eq!((refused.status, refused.code()), (401, "unauthenticated"), "{case}");
    }
    let path = "/api/v1/payments/webhooks/sandbox";
    let unsigned = shop.p.send("POST", path, &Caller::default(), Some(body.clone()), &[]).await;
    assert_eq!(unsigned.status, 401);
    let elsewhere = shop.p.send("POST", "/api/v1/payments/webhooks/nobody", &Caller::default(), Some(body), &[]).await;
    assert_eq!(elsewhere.status, 404);
    assert_eq!(shop.payment(&begun).await["status"], "requires_action");
}

async fn a_message_that_cannot_be_read_is_refused(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    let charge = |data| json!({"type": "charge.succeeded", "data": data});
    for body in [
        json!(null),
        json!([]),
        json!({"type": 7, "data": {}}),
        charge(json!({})),
        charge(json!({"paymentId": "x"})),
        charge(json!({"paymentId": begun.id})),
        charge(json!({"paymentId": begun.id, "chargeId": "c", "amount": 1.5, "currency": "BDT"})),
        charge(json!({"paymentId": begun.id, "chargeId": "c", "amount": 500, "currency": "taka"})),
    ] {
        assert_eq!(shop.webhook("msg_1", &body).await.expect(400).code(), "malformed", "{body}");
    }
}

async fn a_message_about_a_payment_that_is_not_here_yet_is_repeated(engine: Engine) {
    let shop = Shop::open(engine).await;
    let request = shop.wanted(500);
    let begun = Begun { id: request.payment_id.parse().unwrap(), order: id().into(), url: String::new() };
    for kind in ["charge.succeeded", "charge.declined"] {
        shop.webhook("msg_1", &message(kind, &begun, 500)).await.expect(404);
    }
    shop.initiate(request).await.unwrap();
    shop.webhook("msg_1", &message("charge.succeeded", &begun, 500)).await.expect(200);
    assert_eq!(shop.payment(&begun).await["status"], "completed");
}

async fn a_charge_of_another_amount_is_not_taken(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    for amount in [499, 501, 0, -500, i64::MAX] {
        assert_eq!(shop.webhook("msg_1", &message("charge.succeeded", &begun, amount)).await.expect(422).code(), "charge_mismatch");
    }
    assert_eq!(shop.payment(&begun).await["status"], "requires_action");
}
