//! The rules of a payment: what can be asked of it, and what then happens.
//!
//! A payment is captured at most once, in cash once per store, and refunds never exceed the capture, because both are
//! decided here on one stream of events. A refund is set aside before the provider is asked. Money that lands on a payment which was given up is
//! set aside for its refund in the same breath.

mod cash;
mod decide;
pub mod items;
pub mod ledger;
pub mod shares;
pub mod statement;
#[cfg(test)]
mod tests;
mod verdict;

use contracts::events::payments::{
    PaidLine, PaymentCancelled, PaymentCashCollected, PaymentCashReleased, PaymentCashRemitted, PaymentCompleted, PaymentFailed,
    PaymentInitiated, PaymentRefundFailed, PaymentRefundRequested, PaymentRefunded, RefundedItem, Share,
};
use contracts::{Money, OrderId, PaymentId, RefundId, UserId, VendorId};
use kit::Aggregate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use cash::{CASH_ON_DELIVERY, CashPart, CashStatus, Collection, Release, Remittance, delivery};
pub use decide::decide;
pub(crate) use verdict::Verdict;

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
        CashCollected(PaymentCashCollected),
        CashReleased(PaymentCashReleased),
        CashRemitted(PaymentCashRemitted),
    }
}

/// A payment as its events tell it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// What it pays for.
    pub order_id: OrderId,
    /// The payer; none for a guest.
    pub user_id: Option<UserId>,
    /// Hash of the guest's cart token.
    pub guest: Option<String>,
    /// The method's name.
    pub method: String,
    /// How much is asked for; none for a payment that was given up before it began.
    pub amount: Option<Money>,
    /// How the amount is shared out; one share per account and store, none of them 0.
    pub shares: Vec<Share>,
    /// What is paid for, line by line.
    pub lines: Vec<PaidLine>,
    /// Where the payer goes.
    pub action_url: Option<String>,
    /// Whether it is still wanted.
    pub stage: Stage,
    /// What the provider took, or all the cash that came.
    pub charge: Option<Charge>,
    /// What was captured so far, by share; none where a charge was never shared out.
    pub captured: Vec<Share>,
    /// What is paid at the door, by store; none for other methods.
    pub cash: Vec<CashPart>,
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
    /// For which pieces, where it is for pieces.
    pub items: Vec<RefundedItem>,
    /// Stores whose shipping goes back with them.
    pub shipping_of: Vec<VendorId>,
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
    /// Cash changed hands at the door.
    Collect(Collection),
    /// What a store's part still lacks is not expected any more.
    Release(Release),
    /// Cash was handed over by whoever collected it.
    Remit(Remittance),
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
    /// How much of it, or for what.
    pub wanted: RefundWanted,
    /// Why.
    pub reason: String,
    /// Only from the parts of these stores; from all where none is named.
    pub stores: Option<Vec<VendorId>>,
}

/// How much is to go back.
#[derive(Clone, Debug, PartialEq)]
pub enum RefundWanted {
    /// All that is left.
    Everything,
    /// So much.
    Amount(Money),
    /// What was paid for these pieces, to the last unit or not at all.
    Items(Vec<RefundedItem>),
    /// What was paid for these pieces, and for the shipping of these stores, or what is left of it.
    ItemsAtMost(Vec<RefundedItem>, Vec<VendorId>),
}

impl Payment {
    /// How much is asked for, or was charged unasked.
    pub fn amount(&self) -> Option<Money> {
        self.amount.or(self.charge.as_ref().map(|c| c.amount))
    }

    /// What was captured so far, in minor units: all at once by a provider, store by store in cash.
    pub fn captured(&self) -> i64 {
        let by_share = || self.captured.iter().map(|s| s.amount).sum();
        self.charge.as_ref().map_or_else(by_share, |c| c.amount.amount)
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
        self.captured() - self.refunded()
    }

    /// The id of the refund that follows when everything goes back: the same in every run, and a new one after a refusal.
    fn full_refund_id(&self, id: PaymentId) -> RefundId {
        RefundId(Uuid::new_v5(&id.0, format!("full refund {}", self.refunds.len()).as_bytes()))
    }
}

impl Aggregate for Payment {
    type Event = PaymentEvent;
    const SNAPSHOT: i64 = 4;

    fn evolve(&mut self, event: &PaymentEvent) {
        match event {
            PaymentEvent::Initiated(e) => {
                (self.order_id, self.user_id, self.guest) = (e.order_id, e.user_id, e.guest.clone());
                (self.method, self.amount, self.shares) = (e.method.clone(), Some(e.amount), e.shares.clone());
                (self.action_url, self.stage) = (e.action_url.clone(), Stage::Open);
                self.cash = cash::promised(&e.method, &e.shares);
                self.lines.clone_from(&e.lines);
            }
            PaymentEvent::Completed(e) => {
                self.method = e.method.clone();
                self.charge = Some(Charge { method: e.method.clone(), reference: e.provider_reference.clone(), amount: e.amount });
                if self.captured.is_empty() {
                    self.captured.clone_from(&self.shares);
                }
            }
            PaymentEvent::Failed(_) => self.stage = Stage::Failed,
            PaymentEvent::Cancelled(e) => {
                (self.order_id, self.stage) = (e.order_id, Stage::Cancelled);
                self.cash.iter_mut().for_each(CashPart::expect_no_more);
            }
            PaymentEvent::RefundRequested(e) => self.refunds.push(Refund {
                id: e.refund_id,
                amount: e.amount,
                reason: e.reason.clone(),
                shares: e.shares.clone(),
                items: e.items.clone(),
                shipping_of: e.shipping_of.clone(),
                status: RefundStatus::Processing,
            }),
            PaymentEvent::Refunded(e) => self.mark(e.refund_id, RefundStatus::Completed),
            PaymentEvent::RefundFailed(e) => self.mark(e.refund_id, RefundStatus::Failed),
            PaymentEvent::CashCollected(e) => {
                shares::add(&mut self.captured, &e.shares);
                self.cash_of(e.vendor_id, |part| part.collected(e.collection_id, e.amount.amount));
            }
            PaymentEvent::CashReleased(e) => self.cash_of(e.vendor_id, |part| part.due -= e.amount.amount),
            PaymentEvent::CashRemitted(e) => self.cash_of(e.vendor_id, |part| part.remitted(e.remittance_id, e.amount.amount)),
        }
    }
}

impl Payment {
    fn mark(&mut self, id: RefundId, status: RefundStatus) {
        if let Some(refund) = self.refunds.iter_mut().find(|r| r.id == id) {
            refund.status = status;
        }
    }

    fn cash_of(&mut self, vendor: VendorId, change: impl FnOnce(&mut CashPart)) {
        if let Some(part) = self.cash.iter_mut().find(|p| p.vendor_id == vendor) {
            change(part);
        }
    }
}
