//! The rules of a payment: what can be asked of it, and what then happens.
//!
//! A payment is captured at most once and refunds never exceed the capture, because both are decided here on one stream
//! of events. A refund is set aside before the provider is asked. Money that lands on a payment which was given up is
//! set aside for its refund in the same breath.

pub mod ledger;
pub mod shares;
#[cfg(test)]
mod tests;

use contracts::events::payments::{
    PaymentCancelled, PaymentCompleted, PaymentFailed, PaymentInitiated, PaymentRefundFailed, PaymentRefundRequested, PaymentRefunded,
    Share,
};
use contracts::{Money, OrderId, PaymentId, RefundId, UserId, VendorId};
use kit::Aggregate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;

contracts::event_set! {
    /// What can happen to a payment.
    PaymentEvent {
        Initiated(PaymentInitiated),
        Completed(PaymentCompleted),
        Failed(PaymentFailed),
        Cancelled(PaymentCancelled),
        RefundRequested(PaymentRefundRequested),
        Refunded(PaymentRefunded),
        RefundFailed(PaymentRefundFailed),
    } upcast no_older_versions
}

/// Every event is still in its first version.
fn no_older_versions(_: &str, _: i64, data: serde_json::Value) -> serde_json::Value {
    data
}

/// A payment as its events tell it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// What it pays for.
    pub order_id: OrderId,
    /// The payer; none for a guest.
    pub user_id: Option<UserId>,
    /// SHA-256 of the guest's cart token in hexadecimal.
    pub guest: Option<String>,
    /// The method's name.
    pub method: String,
    /// How much is asked for; none for a payment that was given up before it began.
    pub amount: Option<Money>,
    /// How the amount is shared out; one share per account and store, none of them 0.
    pub shares: Vec<Share>,
    /// Where the payer goes.
    pub action_url: Option<String>,
    /// Whether it is still wanted.
    pub stage: Stage,
    /// What the provider took.
    pub charge: Option<Charge>,
    /// In the order in which they were asked for.
    pub refunds: Vec<Refund>,
}

/// Whether money is still expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing has happened.
    #[default]
    New,
    /// Begun with its provider.
    Open,
    /// The provider gave it up.
    Failed,
    /// We gave it up.
    Cancelled,
}

/// What a provider took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Charge {
    /// By which method.
    pub method: String,
    /// The provider's own id of it.
    pub reference: String,
    /// How much.
    pub amount: Money,
}

/// Part of the charge that goes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refund {
    /// Its id, and its key with the provider.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// From which shares it is taken; none where the charge was never shared out.
    pub shares: Vec<Share>,
    /// How far it is.
    pub status: RefundStatus,
}

/// How far a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// Set aside; the provider is being asked.
    Processing,
    /// The money went back.
    Completed,
    /// The provider refused for good; what was set aside is free again.
    Failed,
}

impl RefundStatus {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            RefundStatus::Processing => "processing",
            RefundStatus::Completed => "completed",
            RefundStatus::Failed => "failed",
        }
    }
}

/// A payment's status as everybody else sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The payer must act.
    RequiresAction,
    /// Promised, or on its way.
    Processing,
    /// The money is there.
    Completed,
    /// Declined.
    Failed,
    /// Given up.
    Cancelled,
    /// All of it went back.
    Refunded,
    /// Part of it went back.
    PartiallyRefunded,
}

impl Status {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::RequiresAction => "requires_action",
            Status::Processing => "processing",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
            Status::Refunded => "refunded",
            Status::PartiallyRefunded => "partially_refunded",
        }
    }
}

/// What can be asked of a payment.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Begin it. An amount of 0 is paid at once.
    Initiate(PaymentInitiated),
    /// The provider took the money.
    Capture(Charge),
    /// The provider will not take it.
    Fail(String),
    /// Give it up, or give everything back where it was captured.
    Void {
        /// What it was to pay for.
        order_id: OrderId,
        /// Why.
        reason: String,
    },
    /// Set part of it aside for a refund.
    Refund(RefundOrder),
    /// The provider gave the money of a refund back.
    CompleteRefund(RefundId),
    /// The provider refused a refund for good.
    FailRefund(RefundId, String),
}

/// A refund that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct RefundOrder {
    /// Its id; asking twice with the same one is asking once.
    pub id: RefundId,
    /// How much; all that is left where none is named.
    pub amount: Option<Money>,
    /// Why.
    pub reason: String,
    /// Only from the parts of these stores; from all where none is named.
    pub stores: Option<Vec<VendorId>>,
}

impl Payment {
    /// How much is asked for, or was charged unasked.
    pub fn amount(&self) -> Option<Money> {
        self.amount.or(self.charge.as_ref().map(|c| c.amount))
    }

    /// What is set aside or has gone back, in minor units.
    pub fn refunded(&self) -> i64 {
        self.refunds.iter().filter(|r| r.status != RefundStatus::Failed).map(|r| r.amount.amount).sum()
    }

    /// The refund with this id.
    pub fn refund(&self, id: RefundId) -> Option<&Refund> {
        self.refunds.iter().find(|r| r.id == id)
    }

    /// Its status. It tells of refunds once the money has gone back; until then a charge that nobody wanted any more
    /// shows as what the payment was before.
    pub fn status(&self) -> Status {
        let Some(charge) = &self.charge else {
            return match (self.stage, &self.action_url) {
                (Stage::Failed, _) => Status::Failed,
                (Stage::Cancelled, _) => Status::Cancelled,
                (Stage::New | Stage::Open, Some(_)) => Status::RequiresAction,
                (Stage::New | Stage::Open, None) => Status::Processing,
            };
        };
        let done: i64 = self.refunds.iter().filter(|r| r.status == RefundStatus::Completed).map(|r| r.amount.amount).sum();
        match self.stage {
            _ if done > 0 && done == charge.amount.amount => Status::Refunded,
            _ if done > 0 => Status::PartiallyRefunded,
            Stage::Failed if self.refunded() > 0 => Status::Failed,
            Stage::Cancelled if self.refunded() > 0 => Status::Cancelled,
            _ => Status::Completed,
        }
    }

    /// What can still go back: nothing where nothing was captured.
    pub fn left(&self) -> i64 {
        self.charge.as_ref().map_or(0, |c| c.amount.amount - self.refunded())
    }

    /// The id of the refund that follows when everything goes back: the same in every run, and a new one after a refusal.
    fn full_refund_id(&self, id: PaymentId) -> RefundId {
        RefundId(Uuid::new_v5(&id.0, format!("full refund {}", self.refunds.len()).as_bytes()))
    }
}

impl Aggregate for Payment {
    type Event = PaymentEvent;
    const SNAPSHOT: i64 = 1;

    fn evolve(&mut self, event: &PaymentEvent) {
        match event {
            PaymentEvent::Initiated(e) => {
                (self.order_id, self.user_id, self.guest) = (e.order_id, e.user_id, e.guest.clone());
                (self.method, self.amount, self.shares) = (e.method.clone(), Some(e.amount), e.shares.clone());
                (self.action_url, self.stage) = (e.action_url.clone(), Stage::Open);
            }
            PaymentEvent::Completed(e) => {
                self.method = e.method.clone();
                self.charge = Some(Charge { method: e.method.clone(), reference: e.provider_reference.clone(), amount: e.amount });
            }
            PaymentEvent::Failed(_) => self.stage = Stage::Failed,
            PaymentEvent::Cancelled(e) => (self.order_id, self.stage) = (e.order_id, Stage::Cancelled),
            PaymentEvent::RefundRequested(e) => self.refunds.push(Refund {
                id: e.refund_id,
                amount: e.amount,
                reason: e.reason.clone(),
                shares: e.shares.clone(),
                status: RefundStatus::Processing,
            }),
            PaymentEvent::Refunded(e) => self.mark(e.refund_id, RefundStatus::Completed),
            PaymentEvent::RefundFailed(e) => self.mark(e.refund_id, RefundStatus::Failed),
        }
    }
}

impl Payment {
    fn mark(&mut self, id: RefundId, status: RefundStatus) {
        if let Some(refund) = self.refunds.iter_mut().find(|r| r.id == id) {
            refund.status = status;
        }
    }
}

/// What happens when `command` is asked of the payment `id`. Nothing, where it has happened already.
pub fn decide(payment: &Payment, id: PaymentId, command: Command) -> Result<Vec<PaymentEvent>, Error> {
    match command {
        Command::Initiate(wanted) => initiate(payment, wanted),
        Command::Capture(charge) => capture(payment, id, charge),
        Command::Fail(reason) => fail(payment, id, reason),
        Command::Void { order_id, reason } => void(payment, id, order_id, reason),
        Command::Refund(order) => refund(payment, id, order),
        Command::CompleteRefund(refund_id) => Ok(processing(payment, refund_id)
            .map(|r| PaymentRefunded { payment_id: id, order_id: payment.order_id, refund_id, amount: r.amount }.into())
            .into_iter()
            .collect()),
        Command::FailRefund(refund_id, reason) => Ok(processing(payment, refund_id)
            .map(|_| PaymentRefundFailed { payment_id: id, refund_id, reason }.into())
            .into_iter()
            .collect()),
    }
}

fn initiate(payment: &Payment, wanted: PaymentInitiated) -> Result<Vec<PaymentEvent>, Error> {
    match (payment.stage, payment.amount) {
        (Stage::New, _) => {}
        (_, None) => return Err(Error::Cancelled),
        (_, Some(amount)) => {
            let same = amount == wanted.amount && payment.order_id == wanted.order_id && payment.method == wanted.method;
            return if same { Ok(Vec::new()) } else { Err(Error::PaymentMismatch) };
        }
    }
    let shares = shares::checked(wanted.amount, &wanted.shares)?;
    let wanted = PaymentInitiated { shares, ..wanted };
    let mut events = vec![wanted.clone().into()];
    if wanted.amount.amount == 0 {
        let charge = Charge { method: wanted.method, reference: "nothing to pay".into(), amount: wanted.amount };
        events.push(completed(wanted.payment_id, wanted.order_id, charge));
    }
    Ok(events)
}

fn capture(payment: &Payment, id: PaymentId, charge: Charge) -> Result<Vec<PaymentEvent>, Error> {
    if payment.charge.is_some() {
        return Ok(Vec::new());
    }
    if payment.amount.is_some_and(|asked| asked != charge.amount) || charge.amount.amount <= 0 {
        return Err(Error::ChargeMismatch { asked: payment.amount, charged: charge.amount });
    }
    let captured = completed(id, payment.order_id, charge.clone());
    match payment.stage {
        Stage::New => Err(Error::NotFound),
        Stage::Open => Ok(vec![captured]),
        Stage::Failed | Stage::Cancelled => {
            let after = Payment { charge: Some(charge), ..payment.clone() };
            let mut events = vec![captured];
            events.extend(refund_everything(&after, id, "charged after it was given up".into())?);
            Ok(events)
        }
    }
}

fn completed(payment_id: PaymentId, order_id: OrderId, charge: Charge) -> PaymentEvent {
    let Charge { method, reference, amount } = charge;
    PaymentCompleted { payment_id, order_id, method, amount, provider_reference: reference }.into()
}

fn fail(payment: &Payment, id: PaymentId, reason: String) -> Result<Vec<PaymentEvent>, Error> {
    match payment.stage {
        Stage::New => Err(Error::NotFound),
        Stage::Open if payment.charge.is_none() => Ok(vec![PaymentFailed { payment_id: id, order_id: payment.order_id, reason }.into()]),
        Stage::Open | Stage::Failed | Stage::Cancelled => Ok(Vec::new()),
    }
}

fn void(payment: &Payment, id: PaymentId, order_id: OrderId, reason: String) -> Result<Vec<PaymentEvent>, Error> {
    match payment.stage {
        _ if payment.charge.is_some() => refund_everything(payment, id, reason),
        Stage::New | Stage::Open => Ok(vec![PaymentCancelled { payment_id: id, order_id, reason }.into()]),
        Stage::Failed | Stage::Cancelled => Ok(Vec::new()),
    }
}

fn refund_everything(payment: &Payment, id: PaymentId, reason: String) -> Result<Vec<PaymentEvent>, Error> {
    if payment.left() == 0 {
        return Ok(Vec::new());
    }
    refund(payment, id, RefundOrder { id: payment.full_refund_id(id), amount: None, reason, stores: None })
}

fn refund(payment: &Payment, id: PaymentId, order: RefundOrder) -> Result<Vec<PaymentEvent>, Error> {
    if let Some(known) = payment.refund(order.id) {
        let same = order.amount.is_none_or(|a| a == known.amount);
        return if same { Ok(Vec::new()) } else { Err(Error::RefundMismatch) };
    }
    let charge = payment.charge.as_ref().filter(|c| c.amount.amount > 0).ok_or(Error::NotCaptured)?;
    let left = shares::left(payment, order.stores.as_deref());
    let available = Money::new(left.available, charge.amount.currency);
    let amount = order.amount.unwrap_or(available);
    if amount.currency != available.currency {
        return Err(Error::CurrencyMismatch { expected: available.currency, found: amount.currency });
    }
    if order.amount.is_some_and(|a| a.amount <= 0) {
        return Err(Error::AmountNotPositive);
    }
    if amount.amount > available.amount || available.amount == 0 {
        return Err(Error::RefundExceedsCaptured { left: available });
    }
    let shares = left.take(amount)?;
    Ok(vec![PaymentRefundRequested { payment_id: id, refund_id: order.id, amount, reason: order.reason, shares }.into()])
}

fn processing(payment: &Payment, id: RefundId) -> Option<&Refund> {
    payment.refund(id).filter(|r| r.status == RefundStatus::Processing)
}
