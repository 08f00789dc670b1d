//! How much of the database a payment costs: what the whole checkout may cost depends on it.

use kit::db::{Counts, ServiceCounts};
use testing::Engine;

use crate::shop::{Shop, message};

testing::both_engines!(a_capture_is_one_transaction_of_few_statements, a_whole_payment_costs_five_transactions);

/// Transactions, and statements of closures that may write. Those that only look for work are not among them.
fn writing(counts: ServiceCounts) -> (u64, u64) {
    (counts.transactions, counts.writing_statements())
}

fn counts(shop: &Shop) -> Counts {
    shop.p.data().database.counts()
}

async fn a_capture_is_one_transaction_of_few_statements(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(1_000).await;
    shop.p.settle().await;
    let before = counts(&shop);
    shop.webhook("msg_1", &message("charge.succeeded", &begun, 1_000)).await.expect(200);
    let done = counts(&shop).since(&before).services["payments"];
    assert_eq!(writing(done), (1, 8), "{done:?}");
    shop.p.settle().await;
    let before = counts(&shop);
    shop.webhook("msg_1", &message("charge.succeeded", &begun, 1_000)).await.expect(200);
    let repeated = counts(&shop).since(&before).services["payments"];
    assert_eq!((writing(repeated), repeated.empty), ((0, 0), 0), "a repeat is looked for, and nothing else: {repeated:?}");
    assert!(repeated.reads >= 1, "{repeated:?}");
    let before = counts(&shop);
    shop.webhook("msg_2", &message("charge.pending", &begun, 1_000)).await.expect(200);
    let ignored = counts(&shop).since(&before).services["payments"];
    assert_eq!(writing(ignored), (1, 1), "what means nothing is looked for and kept: {ignored:?}");
}

async fn a_whole_payment_costs_five_transactions(engine: Engine) {
    let shop = Shop::open(engine).await;
    shop.p.settle().await;
    let before = counts(&shop);
    shop.paid(1_000).await;
    let done = counts(&shop).since(&before);
    let (payments, sandbox) = (done.services["payments"], done.services["sandbox"]);
    assert_eq!((payments.transactions, sandbox.transactions), (2, 3), "payments {payments:?}, sandbox {sandbox:?}");
}
