//! What operators watch of webhooks.

use kit::platform::Figures;
use kit::{DbError, params, telemetry};
use serde_json::json;
use testing::Engine;

use crate::market::Market;
use crate::receiver::Receiver;

testing::both_engines!(attempts_are_counted_and_what_is_due_or_disabled_is_watched);

/// The attempts of this process so far.
fn attempts(outcome: &str) -> u64 {
    let series = format!("haat_webhook_attempts_total{{outcome=\"{outcome}\"}} ");
    telemetry::render_metrics().lines().find_map(|line| line.strip_prefix(&series)?.parse().ok()).unwrap_or(0)
}

async fn attempts_are_counted_and_what_is_due_or_disabled_is_watched(engine: Engine) {
    let m = Market::open_with(engine, json!({"webhooks": {"private_addresses": true}})).await;
    // It counts for the whole process, and so for the other engine too, whichever begins.
    let _ = telemetry::count(&m.p.platform().tasks);
    let (well, broken, gone) = (Receiver::answering(200).await, Receiver::answering(500).await, Receiver::answering(410).await);
    // Whoever comes is let go without an answer.
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}/", closed.local_addr().unwrap());
    tokio::spawn(async move { while closed.accept().await.is_ok() {} });
    for url in [well.url(), broken.url(), gone.url(), nobody] {
        let body = json!({"url": url, "eventTypes": ["order.confirmed"]});
        m.p.send("POST", "/api/v1/webhooks", &m.seller, Some(body), &[]).await.expect(201);
    }
    m.sale(&testing::user(), "k").await;
    m.p.settle().await;
    // The second attempt is followed by a pause that no test outlasts.
    m.p.advance_seconds(6);
    m.p.settle().await;
    for (outcome, least) in [("delivered", 1), ("refused", 3), ("unanswered", 2)] {
        assert!(attempts(outcome) >= least, "{outcome}: {}", attempts(outcome));
    }

    let mut figures = Figures::default();
    figures.set(m.p.platform()).await.unwrap();
    let endpoints = |figures: &Figures, state| figures.value("haat_webhook_endpoints", &[("service", "notifications"), ("state", state)]);
    let due = |figures: &Figures| figures.value("haat_webhook_deliveries_due", &[("service", "notifications")]);
    assert_eq!((endpoints(&figures, "enabled"), endpoints(&figures, "gone")), (Some(3.0), Some(1.0)));
    assert_eq!(due(&figures), Some(0.0), "both that failed wait for their time");
    let hastened = m.p.db("notifications").write(|tx| {
        let now = tx.now();
        tx.execute("UPDATE notifications.webhook_deliveries SET next_at = $1 WHERE status = 'failed'", params![now])
    });
    assert_eq!(hastened.await.unwrap_or_else(|e: DbError| panic!("{e}")), 2);
    figures.set(m.p.platform()).await.unwrap();
    assert_eq!(due(&figures), Some(2.0));
}
