//! What happens when something is asked of a payment. Each decision is a list of events, empty where it has happened already.

use contracts::events::payments::{
    PaymentCancelled, PaymentCompleted, PaymentFailed, PaymentInitiated, PaymentRefundFailed, PaymentRefundRequested, PaymentRefunded,
    Share,
};
use contracts::{Money, OrderId, PaymentId, RefundId};
use kit::Aggregate;

use super::items::Beyond;
use super::{Charge, Command, Payment, PaymentEvent, Refund, RefundOrder, RefundStatus, RefundWanted, Stage, cash, items, shares};
use crate::error::Error;

/// What happens when `command` is asked of the payment `id`. Nothing, where it has happened already.
pub fn decide(payment: &Payment, id: PaymentId, command: Command) -> Result<Vec<PaymentEvent>, Error> {
    match command {
        Command::Initiate(wanted) => initiate(payment, wanted),
        Command::Capture(charge) => capture(payment, id, charge),
        Command::Fail(reason) => fail(payment, id, reason),
        Command::Void { order_id, reason } => void(payment, id, order_id, reason),
        Command::Refund(order) => refund(payment, id, order),
        Command::Collect(collection) => cash::collect(payment, id, collection),
        Command::Release(release) => cash::release(payment, id, release),
        Command::Remit(remittance) => cash::remit(payment, id, remittance),
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
    items::check(&shares, &wanted.lines)?;
    let wanted = PaymentInitiated { shares, ..wanted };
    let mut events = vec![wanted.clone().into()];
    if wanted.amount.amount == 0 {
        let charge = Charge { method: wanted.method, reference: "nothing to pay".into(), amount: wanted.amount };
        events.push(completed(wanted.payment_id, wanted.order_id, charge, Vec::new()));
    }
    Ok(events)
}

fn capture(payment: &Payment, id: PaymentId, charge: Charge) -> Result<Vec<PaymentEvent>, Error> {
    if payment.charge.is_some() {
        return Ok(Vec::new());
    }
    if !payment.cash.is_empty() || payment.amount.is_some_and(|asked| asked != charge.amount) || charge.amount.amount <= 0 {
        return Err(Error::ChargeMismatch { asked: payment.amount, charged: charge.amount });
    }
    let captured = completed(id, payment.order_id, charge.clone(), payment.shares.clone());
    match payment.stage {
        Stage::New => Err(Error::NotFound),
        Stage::Open => Ok(vec![captured]),
        Stage::Failed | Stage::Cancelled => {
            let (mut after, mut events) = (payment.clone(), vec![captured]);
            after.evolve(&events[0]);
            events.extend(refund_everything(&after, id, "charged after it was given up".into())?);
            Ok(events)
        }
    }
}

pub(super) fn completed(payment_id: PaymentId, order_id: OrderId, charge: Charge, shares: Vec<Share>) -> PaymentEvent {
    let Charge { method, reference, amount } = charge;
    PaymentCompleted { payment_id, order_id, method, amount, provider_reference: reference, shares }.into()
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
        _ if payment.captured() > 0 => {
            let (mut after, mut events) = (payment.clone(), cash::release_all(payment, id, &reason));
            events.iter().for_each(|e| after.evolve(e));
            events.extend(refund_everything(&after, id, reason)?);
            Ok(events)
        }
        Stage::New | Stage::Open => Ok(vec![PaymentCancelled { payment_id: id, order_id, reason }.into()]),
        Stage::Failed | Stage::Cancelled => Ok(Vec::new()),
    }
}

fn refund_everything(payment: &Payment, id: PaymentId, reason: String) -> Result<Vec<PaymentEvent>, Error> {
    if payment.left() == 0 {
        return Ok(Vec::new());
    }
    refund(payment, id, RefundOrder { id: payment.full_refund_id(id), wanted: RefundWanted::Everything, reason, stores: None })
}

fn refund(payment: &Payment, id: PaymentId, order: RefundOrder) -> Result<Vec<PaymentEvent>, Error> {
    if let Some(known) = payment.refund(order.id) {
        let same = match &order.wanted {
            RefundWanted::Everything => true,
            RefundWanted::Amount(amount) => *amount == known.amount,
            RefundWanted::Items(items) => *items == known.items,
            RefundWanted::ItemsAtMost(..) => true,
        };
        return if same { Ok(Vec::new()) } else { Err(Error::RefundMismatch) };
    }
    let asked = payment.amount().filter(|_| payment.captured() > 0).ok_or(Error::NotCaptured)?;
    let (amount, shares, items, shipping_of) = match order.wanted {
        RefundWanted::Everything => {
            let left = shares::left(payment, order.stores.as_deref());
            let all = Money::new(left.available, asked.currency);
            (all, left.take(all)?, Vec::new(), Vec::new())
        }
        RefundWanted::Amount(amount) => {
            let left = shares::left(payment, order.stores.as_deref());
            check(amount, Money::new(left.available, asked.currency))?;
            (amount, left.take(amount)?, Vec::new(), Vec::new())
        }
        RefundWanted::Items(items) => {
            let taken = items::take(payment, &items, &[], order.stores.as_deref(), Beyond::Refused)?;
            let left = Money::new(taken.available, asked.currency);
            if taken.amount < taken.wanted {
                return Err(Error::RefundExceedsCaptured { left });
            }
            (Money::new(taken.amount, asked.currency), taken.shares, items, Vec::new())
        }
        RefundWanted::ItemsAtMost(items, shipping_of) => {
            let taken = items::take(payment, &items, &shipping_of, order.stores.as_deref(), Beyond::LeftOut)?;
            (Money::new(taken.amount, asked.currency), taken.shares, taken.items, taken.shipping_of)
        }
    };
    if amount.amount == 0 {
        return Err(Error::RefundExceedsCaptured { left: amount });
    }
    let (refund_id, reason) = (order.id, order.reason);
    Ok(vec![PaymentRefundRequested { payment_id: id, refund_id, amount, reason, shares, items, shipping_of }.into()])
}

/// Whether `amount` may go back where so much is left.
fn check(amount: Money, left: Money) -> Result<(), Error> {
    if amount.currency != left.currency {
        return Err(Error::CurrencyMismatch { expected: left.currency, found: amount.currency });
    }
    if amount.amount <= 0 {
        return Err(Error::AmountNotPositive);
    }
    if amount.amount > left.amount {
        return Err(Error::RefundExceedsCaptured { left });
    }
    Ok(())
}

fn processing(payment: &Payment, id: RefundId) -> Option<&Refund> {
    payment.refund(id).filter(|r| r.status == RefundStatus::Processing)
}
