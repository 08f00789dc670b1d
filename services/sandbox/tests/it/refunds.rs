use std::sync::Arc;

use testing::Engine;
use tokio::task::JoinSet;

use crate::merchant::{Merchant, id};

testing::both_engines!(a_refund_is_decided_once, refunds_never_exceed_the_charge, refunds_at_once_never_exceed_the_charge);

async fn a_refund_is_decided_once(engine: Engine) {
    let m = Merchant::quiet(engine).await;
    let session = m.create(500).await;
    let (early, refund) = (id(), id());
    assert_eq!(m.refund(&early, &session.payment_id, 100).await.unwrap().error, "exceeds_charge");
    m.answer(&session, "approve").await.expect(200);
    assert_eq!(m.refund(&early, &session.payment_id, 100).await.unwrap().status, "failed", "its first outcome is its only one");
    for _ in 0..3 {
        assert_eq!(m.refund(&refund, &session.payment_id, 100).await.unwrap().status, "succeeded");
    }
    assert_eq!(m.session(&session.payment_id).await.refunded, 100);
    assert_eq!(m.refund(&refund, &session.payment_id, 101).await.unwrap_err().code(), tonic::Code::FailedPrecondition);
    assert_eq!(m.refund(&id(), &session.payment_id, 0).await.unwrap_err().code(), tonic::Code::InvalidArgument);
}

async fn refunds_never_exceed_the_charge(engine: Engine) {
    let m = Merchant::quiet(engine).await;
    let session = m.create(500).await;
    m.answer(&session, "approve").await.expect(200);
    for (amount, status) in [(501, "failed"), (300, "succeeded"), (201, "failed"), (200, "succeeded"), (1, "failed"), (i64::MAX, "failed")]
    {
        assert_eq!(m.refund(&id(), &session.payment_id, amount).await.unwrap().status, status, "{amount}");
    }
}

async fn refunds_at_once_never_exceed_the_charge(engine: Engine) {
    let m = Arc::new(Merchant::quiet(engine).await);
    let session = m.create(500).await;
    m.answer(&session, "approve").await.expect(200);
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (m, payment_id) = (m.clone(), session.payment_id.clone());
        callers.spawn(async move { m.refund(&id(), &payment_id, 200).await.unwrap().status });
    }
    let done = callers.join_all().await.into_iter().filter(|s| s == "succeeded").count();
    assert_eq!((done, m.session(&session.payment_id).await.refunded), (2, 400));
}
