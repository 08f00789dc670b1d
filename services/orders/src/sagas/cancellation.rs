//! A confirmed order is called off: first its money goes back, then its stock.

use kit::saga::{Call, Definition, Outcome, Step};
use serde_json::Value as Json;

use super::{CANCELLATION, Callees, Cancellation, known, outcome};

pub(super) fn definition(callees: &Callees) -> Definition {
    let (refund, release) = (callees.clone(), callees.clone());
    Definition {
        kind: CANCELLATION,
        version: 1,
        steps: vec![
            Step::call("refund", move |call| outcome(refund.clone().refund(call))).pivot(),
            Step::call("release_stock", move |call| outcome(release.clone().release(call))),
        ],
        compensated: None,
    }
}

impl Callees {
    /// What was captured goes back with its shares; what was only promised is given up.
    async fn refund(mut self, call: Call) -> Result<Json, Outcome> {
        let known: Cancellation = known(&call)?;
        self.give_up(known.payment_id, call.subject, "order cancelled").await
    }
}
