//! Stock is held when this begins. It asks for the payment and empties the cart, waits for the payer, keeps the stock
//! for good, and then, from the confirmation on, there is no way back.

use std::sync::Arc;
use std::time::Duration;

use contracts::events::payments::PaidLine;
use contracts::proto::cart as cart_api;
use contracts::proto::catalog as catalog_api;
use contracts::proto::payments as payments_api;
use contracts::{OrderId, PaymentId, Time};
use kit::saga::{Call, Definition, Outcome, Run, Step};
use kit::{DbError, Loaded, Tx};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{AWAIT_PAYMENT, Callees, Charge, FULFILMENT, Fulfilment, RESERVE, data, failed, known, outcome, stored};
use crate::app::{Taken, complete, complete_later, save};
use crate::domain::{COD, Order, OrderEvent, Refused, Settlement};
use crate::store;

/// How long a paid order may wait for the catalog to answer before its money goes back.
const COMMIT_PATIENCE: Duration = Duration::from_secs(600);

pub(super) fn definition(callees: &Callees, complete_after_seconds: i64) -> Definition {
    let (release, pay, void, commit) = (callees.clone(), callees.clone(), callees.clone(), callees.clone());
    Definition {
        kind: FULFILMENT,
        version: 1,
        steps: vec![
            // Its action never runs: stock is held before the order exists, so that being out of stock leaves no order.
            Step::local(RESERVE, |_, _| Ok(Outcome::Refused("out_of_stock".into())))
                .undo_call(move |call| outcome(release.clone().release(call))),
            Step::call("take_payment", move |call| outcome(pay.clone().take_payment(call)))
                .then(payment_taken)
                .undo_call(move |call| outcome(void.clone().void(call))),
            Step::wait(AWAIT_PAYMENT, payment_deadline, payment_awaited),
            Step::call("commit_stock", move |call| outcome(commit.clone().commit(call))).give_up_after(COMMIT_PATIENCE),
            Step::local("confirm", confirm).pivot(),
            Step::local("notify_vendors", notify_vendors),
            Step::local("schedule_fulfilment", move |tx, run| schedule(tx, run, complete_after_seconds)),
        ],
        compensated: Some(Arc::new(unwound)),
    }
}

impl Callees {
    /// Begins the payment, then empties the cart, so that both are done when the payer is answered.
    async fn take_payment(mut self, call: Call) -> Result<Json, Outcome> {
        let known: Fulfilment = known(&call)?;
        let charge = known.charge.ok_or_else(|| Outcome::Refused("nothing_to_charge".into()))?;
        let request = initiation(&call, known.payment_id, charge);
        let payment = self.payments.initiate(request).await.map_err(failed)?.into_inner();
        if matches!(payment.status.as_str(), "failed" | "cancelled") {
            return Err(Outcome::Refused(PAYMENT_DECLINED.into()));
        }
        if let Some(cart) = known.cart {
            self.empty(cart, &call).await?;
        }
        Ok(json!({ "status": payment.status, "actionUrl": Some(payment.action_url).filter(|url| !url.is_empty()) }))
    }

    /// A cart that refuses is no reason to lose a sale; one that does not answer is asked again.
    async fn empty(&mut self, cart: Taken, call: &Call) -> Result<(), Outcome> {
        let line = |(variant_id, quantity)| cart_api::Line { item_id: String::new(), variant_id, quantity };
        let lines = cart.lines.into_iter().map(line).collect();
        let request = cart_api::CheckOutRequest { cart_id: cart.cart_id, order_id: call.subject.to_string(), lines };
        match self.cart.check_out(request).await.map_err(failed) {
            Err(unknown @ Outcome::Unknown(_)) => Err(unknown),
            _ => Ok(()),
        }
    }

    async fn void(mut self, call: Call) -> Result<Json, Outcome> {
        let known: Fulfilment = known(&call)?;
        self.give_up(known.payment_id, call.subject, "order not fulfilled").await
    }

    /// Gives a payment up, wherever it stands: one that was captured goes back in full.
    pub(super) async fn give_up(&mut self, payment: PaymentId, order: Uuid, reason: &str) -> Result<Json, Outcome> {
        let request = payments_api::VoidRequest { payment_id: payment.to_string(), order_id: order.to_string(), reason: reason.to_owned() };
        let payment = self.payments.void(request).await.map_err(failed)?;
        Ok(json!({ "status": payment.into_inner().status }))
    }

    async fn commit(mut self, call: Call) -> Result<Json, Outcome> {
        let request = catalog_api::CommitRequest { reservation_id: call.subject.to_string() };
        match self.catalog.commit(request).await.map_err(failed)?.get_ref().held {
            true => Ok(Json::Null),
            false => Err(Outcome::Refused("out_of_stock".into())),
        }
    }

    /// Gives the stock back, however it is held for the order.
    pub(super) async fn release(mut self, call: Call) -> Result<Json, Outcome> {
        let request = catalog_api::ReleaseRequest { reservation_id: call.subject.to_string(), variant_ids: Vec::new() };
        self.catalog.release(request).await.map_err(failed)?;
        Ok(Json::Null)
    }
}

const PAYMENT_DECLINED: &str = "payment_declined";
const PAYMENT_TIMEOUT: &str = "payment_timeout";

fn line(l: PaidLine) -> payments_api::PaidLine {
    let PaidLine { line_id, vendor_id, quantity, total, tax, commission } = l;
    payments_api::PaidLine { line_id: line_id.to_string(), vendor_id: vendor_id.to_string(), quantity, total, tax, commission }
}

fn initiation(call: &Call, payment_id: PaymentId, charge: Charge) -> payments_api::InitiateRequest {
    let share =
        |s: crate::domain::pricing::Share| payments_api::Share { account: s.account, amount: s.amount, vendor_id: s.vendor_id.to_string() };
    payments_api::InitiateRequest {
        payment_id: payment_id.to_string(),
        order_id: call.subject.to_string(),
        user_id: charge.user_id.map(|u| u.to_string()).unwrap_or_default(),
        guest: charge.guest.unwrap_or_default(),
        method: charge.method,
        amount: Some(payments_api::Money { amount: charge.amount.amount, currency: charge.amount.currency.code().to_owned() }),
        shares: charge.shares.into_iter().map(share).collect(),
        reference: charge.reference,
        lines: charge.lines.into_iter().map(line).collect(),
    }
}

/// The payer can act: the order says so, and the request gets its answer.
fn payment_taken(tx: &mut Tx, run: &mut Run) -> Result<Outcome, DbError> {
    let mut known: Fulfilment = data(run.data)?;
    let status = run.result["status"].as_str().unwrap_or_default().to_owned();
    let url = run.result["actionUrl"].as_str().map(str::to_owned);
    let Some(mut order) = order(tx, run)? else { return Ok(Outcome::Refused("no_order".into())) };
    if let Err(refusal) = decided(tx, &mut order, |o, at| o.request_payment(url.clone(), at))? {
        return Ok(refusal);
    }
    known.settlement = match status.as_str() {
        "completed" => Some(Settlement::Captured),
        "processing" if order.state.payment.method == COD => Some(Settlement::Promised),
        _ => None,
    };
    if let Some((scope, key)) = known.key.take() {
        complete(tx, &scope, &key, OrderId(run.subject))?;
    }
    (known.charge, known.cart) = (None, None);
    *run.data = stored(&known)?;
    Ok(Outcome::Done(json!({ "status": status })))
}

/// What is settled already has nothing to wait for: its deadline is long past.
fn payment_deadline(json: &Json) -> Time {
    data::<Fulfilment>(json).map_or(Time::default(), |known| known.settlement.map_or(known.deadline, |_| Time::default()))
}

/// The payer has paid, declined, or let the time pass.
fn payment_awaited(_: &mut Tx, run: &mut Run) -> Result<Outcome, DbError> {
    let mut known: Fulfilment = data(run.data)?;
    match run.result["paid"].as_bool() {
        Some(true) => known.settlement = Some(Settlement::Captured),
        Some(false) => return Ok(Outcome::Refused(PAYMENT_DECLINED.into())),
        None if known.settlement.is_none() => return Ok(Outcome::Refused(PAYMENT_TIMEOUT.into())),
        None => {}
    }
    *run.data = stored(&known)?;
    Ok(Outcome::Done(Json::Null))
}

fn confirm(tx: &mut Tx, run: &mut Run) -> Result<Outcome, DbError> {
    let known: Fulfilment = data(run.data)?;
    let Some(mut order) = order(tx, run)? else { return Ok(Outcome::Refused("no_order".into())) };
    let money = known.settlement.unwrap_or(Settlement::Promised);
    // The lists learn of it in the next step, which is that of the stores.
    match order.state.confirm(money, tx.now()) {
        Ok(events) => tx.save(&mut order, events).map(|()| Outcome::Done(Json::Null)),
        Err(refused) => Ok(illegal(&refused)),
    }
}

/// From here on the stores see their parts as sold.
fn notify_vendors(tx: &mut Tx, run: &mut Run) -> Result<Outcome, DbError> {
    store::show_as_sold(tx, OrderId(run.subject))?;
    Ok(Outcome::Done(Json::Null))
}

/// Stores pack what ships; what has no carrier is delivered now.
fn schedule(tx: &mut Tx, run: &mut Run, complete_after_seconds: i64) -> Result<Outcome, DbError> {
    let known: Fulfilment = data(run.data)?;
    if known.digital
        && let Some(mut order) = order(tx, run)?
        && decided(tx, &mut order, Order::deliver_digital)?.is_ok()
    {
        complete_later(tx, &order.state, complete_after_seconds)?;
    }
    Ok(Outcome::Done(Json::Null))
}

/// Nothing is held any more: the order failed, unless it was cancelled.
fn unwound(tx: &mut Tx, run: &mut Run) -> Result<(), DbError> {
    let known: Fulfilment = data(run.data)?;
    let reason = run.result.as_str().unwrap_or("unavailable").to_owned();
    if let Some(mut order) = order(tx, run)? {
        let _ = decided(tx, &mut order, |o, at| o.fail(&reason, at))?;
    }
    match known.key {
        Some((scope, key)) => complete(tx, &scope, &key, OrderId(run.subject)),
        None => Ok(()),
    }
}

fn order(tx: &mut Tx, run: &Run) -> Result<Option<Loaded<Order>>, DbError> {
    tx.load::<Order>(run.subject)
}

/// Applies a decision; where the order's state does not allow it, the step is refused with the reason.
fn decided(
    tx: &mut Tx,
    order: &mut Loaded<Order>,
    decide: impl Fn(&Order, Time) -> Result<Vec<OrderEvent>, Refused>,
) -> Result<Result<(), Outcome>, DbError> {
    match decide(&order.state, tx.now()) {
        Ok(events) => save(tx, order, events).map(Ok),
        Err(refused) => Ok(Err(illegal(&refused))),
    }
}

/// The order has gone another way than its saga: the saga gives in.
fn illegal(refused: &Refused) -> Outcome {
    tracing::debug!(%refused, "a saga gives in to its order");
    Outcome::Refused("illegal_transition".into())
}
