use serde_json::{Value as Json, json};
use testing::Engine;

use crate::merchant::Merchant;

testing::both_engines!(
    an_answer_is_told_once_by_a_provider_that_behaves,
    habits_show_on_some_charges,
    a_delivery_that_fails_is_repeated_until_it_is_taken,
    a_timeout_is_told_late,
    a_crash_before_the_delivery_loses_nothing,
);

fn quiet() -> Json {
    json!({"twice": false, "early": false, "out_of_order": false})
}

async fn an_answer_is_told_once_by_a_provider_that_behaves(engine: Engine) {
    let m = Merchant::quiet(engine).await;
    let (paid, declined) = (m.create(500).await, m.create(700).await);
    m.answer(&paid, "approve").await.expect(200);
    m.inbox.at_least(1).await;
    m.answer(&declined, "decline").await.expect(200);
    m.inbox.at_least(2).await;
    m.p.settle().await;
    let charge = m.session(&paid.payment_id).await.charge_id;
    let told: Vec<Json> = m.inbox.taken().into_iter().map(|(_, body)| json!([body["type"], body["data"]])).collect();
    let succeeded = json!({"chargeId": charge, "amount": 500, "currency": "BDT", "paymentId": paid.payment_id});
    assert_eq!(told, [json!(["charge.succeeded", succeeded]), json!(["charge.declined", {"paymentId": declined.payment_id}])]);
}

async fn habits_show_on_some_charges(engine: Engine) {
    let m = Merchant::open(engine, json!({}), 0).await;
    let mut early = 0;
    for n in 0..24 {
        let session = m.create(500 + n).await;
        let before = m.inbox.taken().len();
        m.answer(&session, "approve").await.expect(200);
        early += usize::from(m.inbox.taken().len() > before);
        m.p.settle().await;
    }
    let taken = m.inbox.taken();
    let kinds: Vec<&str> = taken.iter().map(|(_, body)| body["type"].as_str().unwrap()).collect();
    let stale = kinds.iter().filter(|k| **k == "charge.pending").count();
    let repeated = taken.windows(2).filter(|w| w[0].0 == w[1].0).count();
    assert!(early > 0 && stale > 0 && repeated > 0, "early {early}, out of order {stale}, twice {repeated}");
    assert_eq!(taken.len(), 24 + stale + repeated);
}

async fn a_delivery_that_fails_is_repeated_until_it_is_taken(engine: Engine) {
    let m = Merchant::open(engine, quiet(), 3).await;
    let session = m.create(500).await;
    m.answer(&session, "approve").await.expect(200);
    assert_eq!(m.inbox.at_least(1).await.len(), 1);
}

async fn a_timeout_is_told_late(engine: Engine) {
    let m = Merchant::quiet(engine).await;
    let session = m.create(500).await;
    m.answer(&session, "timeout").await.expect(200);
    m.p.settle().await;
    assert_eq!(m.inbox.taken(), []);
    assert_eq!(m.session(&session.payment_id).await.status, "charged");
    m.p.advance_seconds(61);
    assert_eq!(m.inbox.at_least(1).await[0].1["type"], "charge.succeeded");
}

async fn a_crash_before_the_delivery_loses_nothing(engine: Engine) {
    let mut m = Merchant::open(engine, quiet(), 1).await;
    let session = m.create(500).await;
    m.answer(&session, "approve").await.expect(200);
    m.p.restart().await;
    m.p.advance_seconds(31);
    let told = m.inbox.at_least(1).await;
    assert_eq!(told[0].1["data"]["paymentId"], session.payment_id);
}
