//! How much of the database a payment costs: what the whole checkout may cost depends on it.

use kit::db::Counts;
use testing::Engine;
use tokio::time::Instant;

use crate::shop::{Shop, message};

testing::both_engines!(a_capture_is_one_transaction_of_few_statements, a_whole_payment_costs_five_transactions);

/// Statements of payments that look for work, however little there is; they count where something takes seconds.
const LOOKS_A_SECOND: u64 = 12;

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
    assert_eq!(done.transactions, 1);
    assert!(done.statements <= 10, "{} statements", done.statements);
    shop.p.settle().await;
    let (before, began) = (counts(&shop), Instant::now());
    shop.webhook("msg_1", &message("charge.succeeded", &begun, 1_000)).await.expect(200);
    let repeated = counts(&shop).since(&before).services["payments"];
    // One to find the message, and some to let others read the log and to look for work, as is done every second.
    let looks = 1 + LOOKS_A_SECOND * began.elapsed().as_secs();
    assert_eq!((repeated.transactions, repeated.empty), (0, 0), "{repeated:?}");
    assert!((1..=1 + looks).contains(&repeated.statements), "{repeated:?}");
    let (before, began) = (counts(&shop), Instant::now());
    shop.webhook("msg_2", &message("charge.pending", &begun, 1_000)).await.expect(200);
    let ignored = counts(&shop).since(&before).services["payments"];
    assert_eq!(ignored.transactions, 1, "what means nothing is looked for and kept: {ignored:?}");
    let looks = 1 + LOOKS_A_SECOND * began.elapsed().as_secs();
    assert!((2..=2 + looks).contains(&ignored.statements), "{ignored:?}");
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
