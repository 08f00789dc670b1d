//! Cash on delivery: promised at checkout, collected store by store at the door, handed over later.
//!
//! Only what was collected is booked, so nobody is ever paid from money that did not come. A payment is complete when no
//! part lacks anything any more; what is missing of a part stays visible until it is collected or written off.

#[cfg(test)]
mod tests;

use contracts::events::payments::{PaymentCancelled, PaymentCashCollected, PaymentCashReleased, PaymentCashRemitted, Share};
use contracts::{CollectionId, Money, PaymentId, RemittanceId, VendorId};
use kit::Aggregate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decide::completed;
use super::{Charge, Payment, PaymentEvent, Stage, shares};
use crate::error::Error;

/// The method's name.
pub const CASH_ON_DELIVERY: &str = "cod";

/// What one store's part brings in cash. All amounts are in minor units of the payment's currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CashPart {
    /// The store.
    pub vendor_id: VendorId,
    /// What it is to bring in all.
    pub due: i64,
    /// What was collected so far, by collection.
    pub collections: Vec<(CollectionId, i64)>,
    /// What was handed over so far, by remittance.
    pub remittances: Vec<(RemittanceId, i64)>,
}

/// Where the cash of a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CashStatus {
    /// Nobody has been at the door yet.
    Promised,
    /// Less was paid than was due.
    Short,
    /// All of it was paid; whoever collected it has it, or some of it.
    Collected,
    /// All of it was handed over.
    Remitted,
    /// Nothing was paid, and nothing is expected.
    Released,
}

impl CashStatus {
    /// Every one of them.
    pub const ALL: [CashStatus; 5] =
        [CashStatus::Promised, CashStatus::Short, CashStatus::Collected, CashStatus::Remitted, CashStatus::Released];

    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            CashStatus::Promised => "promised",
            CashStatus::Short => "short",
            CashStatus::Collected => "collected",
            CashStatus::Remitted => "remitted",
            CashStatus::Released => "released",
        }
    }
}

impl CashPart {
    /// What was collected so far.
    pub fn in_hand(&self) -> i64 {
        self.collections.iter().map(|(_, amount)| amount).sum()
    }

    /// What was handed over so far.
    pub fn handed_over(&self) -> i64 {
        self.remittances.iter().map(|(_, amount)| amount).sum()
    }

    /// What it still lacks.
    pub fn missing(&self) -> i64 {
        self.due - self.in_hand()
    }

    /// Where its cash is.
    pub fn status(&self) -> CashStatus {
        match (self.missing(), self.in_hand(), self.handed_over()) {
            (1.., ..) if self.collections.is_empty() => CashStatus::Promised,
            (1.., ..) => CashStatus::Short,
            (_, 0, _) => CashStatus::Released,
            (_, collected, remitted) if collected == remitted => CashStatus::Remitted,
            _ => CashStatus::Collected,
        }
    }

    pub(super) fn collected(&mut self, id: CollectionId, amount: i64) {
        self.collections.push((id, amount));
    }

    pub(super) fn remitted(&mut self, id: RemittanceId, amount: i64) {
        self.remittances.push((id, amount));
    }

    pub(super) fn expect_no_more(&mut self) {
        self.due = self.in_hand();
    }
}

/// Cash that changed hands at the door.
#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    /// Asking twice with the same one is asking once.
    pub id: CollectionId,
    /// For whose part.
    pub vendor_id: VendorId,
    /// How much, 0 included; never more than the part still lacks.
    pub amount: Money,
}

/// What a part lacks is not expected any more.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// Whose part.
    pub vendor_id: VendorId,
    /// Why.
    pub reason: String,
}

/// Cash that was handed over by whoever collected it.
#[derive(Clone, Debug, PartialEq)]
pub struct Remittance {
    /// One for all that was handed over at once.
    pub id: RemittanceId,
    /// Of whose part.
    pub vendor_id: VendorId,
    /// How much; never more than was collected and not handed over.
    pub amount: Money,
}

/// The collection at the door with the delivery of a store's part: there is one of them.
pub fn delivery(payment: PaymentId, vendor: VendorId) -> CollectionId {
    CollectionId(Uuid::new_v5(&payment.0, format!("delivery {vendor}").as_bytes()))
}

/// What the stores' parts are to bring where a payment is promised in cash.
pub(super) fn promised(method: &str, shares: &[Share]) -> Vec<CashPart> {
    let mut parts: Vec<CashPart> = Vec::new();
    for share in shares.iter().filter(|_| method == CASH_ON_DELIVERY) {
        match parts.iter_mut().find(|p| p.vendor_id == share.vendor_id) {
            Some(part) => part.due += share.amount,
            None => {
                parts.push(CashPart { vendor_id: share.vendor_id, due: share.amount, collections: Vec::new(), remittances: Vec::new() })
            }
        }
    }
    parts
}

/// Takes in cash for a part.
pub(super) fn collect(payment: &Payment, id: PaymentId, wanted: Collection) -> Result<Vec<PaymentEvent>, Error> {
    let Collection { id: collection_id, vendor_id, amount } = wanted;
    let (part, currency) = known(payment, vendor_id)?;
    if let Some((_, before)) = part.collections.iter().find(|(known, _)| *known == collection_id) {
        return if *before == amount.amount { Ok(Vec::new()) } else { Err(Error::CollectionMismatch) };
    }
    let missing = Money::new(part.missing(), currency);
    if amount.currency != currency {
        return Err(Error::CurrencyMismatch { expected: currency, found: amount.currency });
    }
    if amount.amount < 0 {
        return Err(Error::AmountNotPositive);
    }
    if amount.amount > missing.amount || missing.amount == 0 {
        return Err(Error::CollectionExceedsDue { missing });
    }
    let shares = shares::uncaptured(payment, vendor_id).take(amount)?;
    let missing = missing.minus(amount)?;
    let (order_id, payment_id) = (payment.order_id, id);
    let collected = PaymentCashCollected { payment_id, order_id, vendor_id, collection_id, amount, missing, shares };
    Ok(settled(payment, id, vec![collected.into()], "nothing was collected"))
}

/// Expects nothing more of a part.
pub(super) fn release(payment: &Payment, id: PaymentId, wanted: Release) -> Result<Vec<PaymentEvent>, Error> {
    let (part, _) = known(payment, wanted.vendor_id)?;
    let released: Vec<_> = released(payment, id, part, &wanted.reason).into_iter().collect();
    Ok(if released.is_empty() { released } else { settled(payment, id, released, &wanted.reason) })
}

/// Expects nothing more at all.
pub(super) fn release_all(payment: &Payment, id: PaymentId, reason: &str) -> Vec<PaymentEvent> {
    let released = payment.cash.iter().filter_map(|part| released(payment, id, part, reason)).collect();
    settled(payment, id, released, reason)
}

/// Notes that cash of a part was handed over.
pub(super) fn remit(payment: &Payment, id: PaymentId, wanted: Remittance) -> Result<Vec<PaymentEvent>, Error> {
    let Remittance { id: remittance_id, vendor_id, amount } = wanted;
    let (part, currency) = known(payment, vendor_id)?;
    if part.remittances.iter().any(|(known, _)| *known == remittance_id) {
        return Ok(Vec::new());
    }
    let left = Money::new(part.in_hand() - part.handed_over(), currency);
    if amount.currency != currency {
        return Err(Error::CurrencyMismatch { expected: currency, found: amount.currency });
    }
    if amount.amount <= 0 {
        return Err(Error::AmountNotPositive);
    }
    if amount.amount > left.amount {
        return Err(Error::RemittanceExceedsCollected { left });
    }
    Ok(vec![PaymentCashRemitted { payment_id: id, order_id: payment.order_id, vendor_id, remittance_id, amount }.into()])
}

fn known(payment: &Payment, vendor: VendorId) -> Result<(&CashPart, contracts::Currency), Error> {
    let part = payment.cash.iter().find(|p| p.vendor_id == vendor).ok_or(Error::NoCash)?;
    Ok((part, payment.amount.ok_or(Error::NoCash)?.currency))
}

fn released(payment: &Payment, id: PaymentId, part: &CashPart, reason: &str) -> Option<PaymentEvent> {
    let amount = Money::new(part.missing(), payment.amount?.currency);
    let (order_id, vendor_id, reason) = (payment.order_id, part.vendor_id, reason.to_owned());
    (amount.amount > 0).then(|| PaymentCashReleased { payment_id: id, order_id, vendor_id, amount, reason }.into())
}

/// What the payment as a whole has come to with these events: complete, or given up where nothing was paid at all.
fn settled(payment: &Payment, id: PaymentId, mut events: Vec<PaymentEvent>, reason: &str) -> Vec<PaymentEvent> {
    let mut after = payment.clone();
    events.iter().for_each(|e| after.evolve(e));
    let open = after.stage == Stage::Open && after.charge.is_none();
    if !open || after.cash.iter().any(|p| p.missing() > 0) {
        return events;
    }
    let Some(asked) = after.amount else { return events };
    let (order_id, amount) = (after.order_id, Money::new(after.captured(), asked.currency));
    events.push(if amount.amount > 0 {
        completed(id, order_id, Charge { method: after.method, reference: "cash".into(), amount }, Vec::new())
    } else {
        PaymentCancelled { payment_id: id, order_id, reason: reason.to_owned() }.into()
    });
    events
}
