use contracts::proto::sandbox as api;
use kit::Caller;
use serde_json::json;
use testing::Engine;

use crate::merchant::{Merchant, id};

testing::both_engines!(
    the_page_shows_what_is_paid_and_takes_forms,
    the_first_answer_counts_and_may_be_repeated,
    nothing_can_be_answered_after_a_cancel,
    a_session_is_opened_once_per_payment,
    a_cancel_before_its_session_closes_it,
    what_cannot_be_paid_is_refused,
    pages_and_answers_that_do_not_exist_are_not_found,
    every_charge_is_on_record,
);

async fn the_page_shows_what_is_paid_and_takes_forms(engine: Engine) {
    let m = Merchant::quiet(engine).await;
    let session = m.create(129_900).await;
    let path = Merchant::path(&session);
    let page = m.get(&path).await.expect(200);
    let html = String::from_utf8(page.bytes.clone()).unwrap();
    assert!(html.contains("BDT 1,299.00") && html.contains("HT-2026-000001"), "{html}");
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    let form = &[("content-type", "application/x-www-form-urlencoded")];
    let sent = m.p.send_bytes("POST", &format!("{path}/approve"), &Caller::default(), Vec::new(), form).await.expect(303);
    assert_eq!(sent.header("location"), "http://shop.test/orders/1?payment=approved");
    let after = m.get(&path).await.expect(200);
    assert!(String::from_utf8(after.bytes).unwrap().contains("approved"));
}

async fn the_first_answer_counts_and_may_be_repeated(engine: Engine) {
    let m = Merchant::quiet(engine).await;
    for (first, told, status) in
        [("approve", "approved", "charged"), ("decline", "declined", "declined"), ("timeout", "pending", "charged")]
    {
        let session = m.create(500).await;
        for _ in 0..3 {
            let body = m.answer(&session, first).await.expect(200).body;
            assert_eq!(body, json!({"status": told, "redirectUrl": format!("http://shop.test/orders/1?payment={told}")}));
        }
        for other in ["approve", "decline", "timeout"].into_iter().filter(|o| *o != first) {
            assert_eq!(m.answer(&session, other).await.expect(409).code(), "already_answered");
        }
        assert_eq!(m.session(&session.payment_id).await.status, status);
        assert_eq!(m.cancel(&session.payment_id).await.status, status, "a cancel comes too late");
    }
    assert_eq!(m.get("/sandbox/charges").await.expect(200).body["data"].as_array().unwrap().len(), 2);
}

async fn nothing_can_be_answered_after_a_cancel(engine: Engine) {
    let m = Merchant::quiet(engine).await;
    let session = m.create(500).await;
    assert_eq!(m.cancel(&session.payment_id).await.status, "cancelled");
    assert_eq!(m.cancel(&session.payment_id).await.status, "cancelled");
    for answer in ["approve", "decline", "timeout"] {
        assert_eq!(m.answer(&session, answer).await.expect(409).code(), "payment_cancelled");
    }
    assert_eq!(m.get("/sandbox/charges").await.expect(200).body, json!({"data": []}));
    assert!(String::from_utf8(m.get(&Merchant::path(&session)).await.expect(200).bytes).unwrap().contains("cancelled"));
}

async fn a_session_is_opened_once_per_payment(engine: Engine) {
    let m = Merchant::quiet(engine).await;
    let wanted = m.wanted(500);
    let first = m.grpc().create_session(wanted.clone()).await.unwrap().into_inner();
    assert_eq!(m.grpc().create_session(wanted.clone()).await.unwrap().into_inner(), first);
    let other = m.grpc().create_session(api::CreateSessionRequest { amount: 501, ..wanted }).await.unwrap_err();
    assert_eq!(other.code(), tonic::Code::FailedPrecondition);
    assert_eq!(m.session(&id()).await.status, "unknown");
}

async fn a_cancel_before_its_session_closes_it(engine: Engine) {
    let m = Merchant::quiet(engine).await;
    let wanted = m.wanted(500);
    assert_eq!(m.cancel(&wanted.payment_id).await.status, "cancelled");
    let session = m.grpc().create_session(wanted).await.unwrap().into_inner();
    assert_eq!((session.status.as_str(), session.url.as_str()), ("cancelled", ""));
}

async fn what_cannot_be_paid_is_refused(engine: Engine) {
    let m = Merchant::quiet(engine).await;
    let good = m.wanted(500);
    for bad in [
        api::CreateSessionRequest { payment_id: "x".into(), ..good.clone() },
        api::CreateSessionRequest { amount: 0, ..good.clone() },
        api::CreateSessionRequest { amount: -1, ..good.clone() },
        api::CreateSessionRequest { currency: "taka".into(), ..good.clone() },
        api::CreateSessionRequest { webhook_url: "file:///etc/passwd".into(), ..good.clone() },
        api::CreateSessionRequest { return_url: "javascript:alert(1)".into(), ..good.clone() },
    ] {
        let refused = m.grpc().create_session(bad.clone()).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{bad:?}");
    }
}

async fn pages_and_answers_that_do_not_exist_are_not_found(engine: Engine) {
    let m = Merchant::quiet(engine).await;
    let session = m.create(500).await;
    m.get("/sandbox/pay/0123456789abcdef").await.expect(404);
    m.answer(&session, "forget").await.expect(404);
    m.p.send("POST", "/sandbox/pay/0123456789abcdef/approve", &Caller::default(), None, &[]).await.expect(404);
}

async fn every_charge_is_on_record(engine: Engine) {
    let m = Merchant::quiet(engine).await;
    let (first, second) = (m.create(100).await, m.create(200).await);
    m.answer(&first, "approve").await.expect(200);
    m.answer(&second, "approve").await.expect(200);
    m.refund(&id(), &first.payment_id, 30).await.unwrap();
    m.refund(&id(), &second.payment_id, 200).await.unwrap();
    let record = m.get("/sandbox/charges").await.expect(200).body;
    assert_eq!(record, m.get("/api/v1/sandbox/charges").await.expect(200).body);
    let of = |payment: &str| record["data"].as_array().unwrap().iter().find(|c| c["paymentId"] == payment).unwrap().clone();
    assert_eq!(of(&first.payment_id)["refunded"], json!({"amount": 30, "currency": "BDT"}));
    assert_eq!(of(&first.payment_id)["status"], "partially_refunded");
    assert_eq!(of(&second.payment_id)["status"], "refunded");
    assert_eq!(record["data"][0]["paymentId"], second.payment_id, "newest first");
}
