//! Goods come back: the store agrees, receives them, their money goes back with the shares it came from, and they are in
//! stock again. Once the money is on its way there is no way back.

use contracts::proto::catalog as catalog_api;
use contracts::proto::payments as payments_api;
use contracts::{Currency, Money, ReturnId, Time};
use kit::saga::{Call, Definition, Outcome, Run, Step};
use kit::{DbError, Tx, problem};
use serde_json::{Value as Json, json};
use tonic::Status;

use super::{APPROVE_RETURN, Callees, RECEIVE_RETURN, RETURN, Returning, data, failed, known, outcome, refund_id, stored};
use crate::app::{complete_later, save};
use crate::domain::{Order, OrderEvent, Refused};

pub(super) fn definition(callees: &Callees, complete_after_seconds: i64) -> Definition {
    let (refund, restock) = (callees.clone(), callees.clone());
    Definition {
        kind: RETURN,
        version: 1,
        steps: vec![
            Step::wait(APPROVE_RETURN, answer_deadline, approved),
            Step::wait(RECEIVE_RETURN, receive_deadline, move |tx, run| received(tx, run, complete_after_seconds)),
            Step::call("refund_lines", move |call| outcome(refund.clone().refund_lines(call))).then(refunded).pivot(),
            Step::call("restock", move |call| outcome(restock.clone().restock(call))),
            Step::local("close", move |tx, run| close(tx, run, complete_after_seconds)),
        ],
        compensated: None,
    }
}

impl Callees {
    /// What was paid for the pieces goes back, or what is left of it.
    async fn refund_lines(mut self, call: Call) -> Result<Json, Outcome> {
        let known: Returning = known(&call)?;
        let refund_id = refund_id(&call.key);
        let item = |l: &super::BackLine| payments_api::RefundItem { line_id: l.line_id.to_string(), quantity: l.quantity };
        let request = payments_api::RefundRequest {
            refund_id: refund_id.to_string(),
            payment_id: known.payment_id.to_string(),
            amount: 0,
            reason: "goods returned".into(),
            items: known.lines.iter().map(item).collect(),
            at_most: true,
            shipping_of: Vec::new(),
        };
        let done = self.payments.refund(request).await.map_err(failed)?.into_inner();
        Ok(json!({ "refundId": refund_id, "status": done.status, "amount": done.amount }))
    }

    async fn restock(mut self, call: Call) -> Result<Json, Outcome> {
        let known: Returning = known(&call)?;
        let line = |l: &super::BackLine| catalog_api::ReserveLine { variant_id: l.variant_id.to_string(), quantity: l.quantity };
        let request = catalog_api::RestockRequest {
            reservation_id: known.order_id.to_string(),
            return_id: call.subject.to_string(),
            lines: known.lines.iter().map(line).collect(),
        };
        self.catalog.restock(request).await.map_err(not_restocked)?;
        Ok(Json::Null)
    }
}

/// The catalog is told by a job that goods have left, which may be late: until then it does not take them back.
fn not_restocked(status: Status) -> Outcome {
    match problem::status_code_of(&status) {
        Some("not_shipped") => Outcome::Unknown(status.message().to_owned()),
        _ => failed(status),
    }
}

fn answer_deadline(json: &Json) -> Time {
    data::<Returning>(json).map_or(Time::default(), |known| known.answer_by)
}

fn receive_deadline(json: &Json) -> Time {
    data::<Returning>(json).map_or(Time::default(), |known| known.receive_by)
}

/// The store has answered. A store that does not answer in time agrees.
fn approved(tx: &mut Tx, run: &mut Run) -> Result<Outcome, DbError> {
    let mut known: Returning = data(run.data)?;
    match run.result["approved"].as_bool() {
        Some(true) => {}
        Some(false) => return Ok(Outcome::Refused(REJECTED.into())),
        None => {
            if let Err(refusal) = decided(tx, run, |order, id, at| order.approve_return(id, at))? {
                return Ok(refusal);
            }
        }
    }
    known.receive_by = tx.now().plus_seconds(known.receive_seconds);
    *run.data = stored(&known)?;
    Ok(Outcome::Done(Json::Null))
}

/// The goods have come, or the store has given up waiting for them; so does the saga after a time.
fn received(tx: &mut Tx, run: &mut Run, complete_after_seconds: i64) -> Result<Outcome, DbError> {
    match run.result["received"].as_bool() {
        Some(true) => Ok(Outcome::Done(Json::Null)),
        Some(false) => Ok(Outcome::Refused(REJECTED.into())),
        None => {
            let _ = decided(tx, run, |order, id, at| order.reject_return(id, NEVER_CAME, at))?;
            close(tx, run, complete_after_seconds)?;
            Ok(Outcome::Refused(REJECTED.into()))
        }
    }
}

const REJECTED: &str = "return_rejected";
const NEVER_CAME: &str = "the goods did not come back in time";

fn refunded(tx: &mut Tx, run: &mut Run) -> Result<Outcome, DbError> {
    let result = run.result.clone();
    let (amount, refund) = (result["amount"].as_i64().unwrap_or(0), result["refundId"].as_str().and_then(|id| id.parse().ok()));
    let known: Returning = data(run.data)?;
    let currency = tx.load::<Order>(known.order_id.0)?.map_or(Currency::BDT, |o| o.state.totals.total.currency);
    let money = Money::new(amount, currency);
    let refund = refund.filter(|_| amount > 0);
    match decided(tx, run, |order, id, at| order.refund_return(id, refund, money, at))? {
        Ok(()) => Ok(Outcome::Done(result)),
        Err(refusal) => Ok(refusal),
    }
}

/// With nothing left to come back the order can become final.
fn close(tx: &mut Tx, run: &mut Run, complete_after_seconds: i64) -> Result<Outcome, DbError> {
    let known: Returning = data(run.data)?;
    if let Some(order) = tx.load::<Order>(known.order_id.0)? {
        complete_later(tx, &order.state, complete_after_seconds)?;
    }
    Ok(Outcome::Done(Json::Null))
}

/// Applies a decision on the return; where its state does not allow it, the step is refused.
fn decided(
    tx: &mut Tx,
    run: &Run,
    decide: impl Fn(&Order, ReturnId, Time) -> Result<Vec<OrderEvent>, Refused>,
) -> Result<Result<(), Outcome>, DbError> {
    let known: Returning = data(run.data)?;
    let Some(mut order) = tx.load::<Order>(known.order_id.0)? else { return Ok(Err(Outcome::Refused("no_order".into()))) };
    match decide(&order.state, ReturnId(run.subject), tx.now()) {
        Ok(events) => save(tx, &mut order, events).map(Ok),
        Err(refused) => {
            tracing::debug!(%refused, "a return gives in to its order");
            Ok(Err(Outcome::Refused(REJECTED.into())))
        }
    }
}

#[cfg(test)]
mod tests {
    use kit::Problem;

    use super::*;

    #[test]
    fn goods_that_are_not_known_to_have_left_are_asked_about_again() {
        let refusal = |code| not_restocked(Problem::conflict(code, "no").into());
        assert!(matches!(refusal("not_shipped"), Outcome::Unknown(_)));
        assert!(matches!(refusal("reservation_not_committed"), Outcome::Refused(code) if code == "reservation_not_committed"));
    }
}
