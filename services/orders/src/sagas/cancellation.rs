//! A confirmed order is called off, or those parts of it that are not delivered yet: first the money goes back, then the stock.

use contracts::proto::catalog as catalog_api;
use contracts::proto::payments as payments_api;
use kit::saga::{Call, Definition, Outcome, Step};
use serde_json::{Value as Json, json};

use super::{BackLine, CANCELLATION, CalledOff, Callees, Cancellation, failed, known, outcome, refund_id};

pub(super) fn definition(callees: &Callees) -> Definition {
    let (refund, release) = (callees.clone(), callees.clone());
    Definition {
        kind: CANCELLATION,
        version: 1,
        steps: vec![
            Step::call("refund", move |call| outcome(refund.clone().refund(call))).pivot(),
            Step::call("release_stock", move |call| outcome(release.clone().let_go(call))),
        ],
        compensated: None,
    }
}

impl Callees {
    /// What was captured goes back with its shares; what was only promised is given up.
    async fn refund(mut self, call: Call) -> Result<Json, Outcome> {
        let known: Cancellation = known(&call)?;
        match &known.parts {
            None => self.give_up(known.payment_id, call.subject, "order cancelled").await,
            Some(parts) => self.refund_parts(&call, &known, parts).await,
        }
    }

    /// What was paid for some parts and their shipping goes back; the other stores keep their share whole.
    async fn refund_parts(&mut self, call: &Call, known: &Cancellation, parts: &CalledOff) -> Result<Json, Outcome> {
        let refund_id = refund_id(&call.key);
        let item = |l: &BackLine| payments_api::RefundItem { line_id: l.line_id.to_string(), quantity: l.quantity };
        let request = payments_api::RefundRequest {
            refund_id: refund_id.to_string(),
            payment_id: known.payment_id.to_string(),
            amount: 0,
            reason: "order cancelled in part".into(),
            items: parts.lines.iter().map(item).collect(),
            at_most: true,
            shipping_of: parts.stores.iter().map(ToString::to_string).collect(),
        };
        let done = self.payments.refund(request).await.map_err(failed)?.into_inner();
        Ok(json!({ "refundId": refund_id, "status": done.status, "amount": done.amount }))
    }

    /// Gives the stock back of what was called off.
    async fn let_go(mut self, call: Call) -> Result<Json, Outcome> {
        let known: Cancellation = known(&call)?;
        let Some(parts) = known.parts else { return self.release(call).await };
        let variant_ids = parts.lines.iter().map(|l| l.variant_id.to_string()).collect();
        let request = catalog_api::ReleaseRequest { reservation_id: call.subject.to_string(), variant_ids };
        self.catalog.release(request).await.map_err(failed)?;
        Ok(Json::Null)
    }
}
