//! What is told to whom when something happened elsewhere. Who that is and what it says is found out by a job: both
//! need other services.

use contracts::events::identity::{UserLinkRequested, UserRegistered};
use contracts::events::orders::{OrderCancelled, OrderConfirmed, OrderCreated, OrderFailed, OrderStatusChanged};
use contracts::events::payments::PaymentRefunded;
use kit::{Consumer, ConsumerError, Tx};

use crate::app::write_later;
use crate::domain::{Cause, Kind};

/// One per consumed event.
pub(crate) fn all() -> Vec<Consumer> {
    let all = [
        Consumer::on(|tx, e: &UserRegistered, _| Ok(write_later(tx, &Cause::of_user(Kind::UserRegistered, e.user_id))?)),
        Consumer::on(|tx, e: &UserLinkRequested, _| link_requested(tx, e)),
        Consumer::on(|tx, e: &OrderCreated, _| order_created(tx, e)),
        Consumer::on(|tx, e: &OrderConfirmed, _| {
            Ok(write_later(tx, &Cause { stores: e.vendor_ids.clone(), ..Cause::of_order(Kind::OrderConfirmed, e.order_id) })?)
        }),
        Consumer::on(|tx, e: &OrderFailed, _| {
            Ok(write_later(tx, &Cause { reason: Some(e.reason.clone()), ..Cause::of_order(Kind::OrderFailed, e.order_id) })?)
        }),
        Consumer::on(|tx, e: &OrderCancelled, _| {
            let of_order = Cause::of_order(Kind::OrderCancelled, e.order_id);
            Ok(write_later(tx, &Cause { reason: Some(e.reason.clone()), stores: e.vendor_ids.clone(), ..of_order })?)
        }),
        Consumer::on(|tx, e: &OrderStatusChanged, _| part_moved(tx, e)),
        Consumer::on(|tx, e: &PaymentRefunded, _| {
            let of_order = Cause::of_order(Kind::PaymentRefunded, e.order_id);
            Ok(write_later(tx, &Cause { about: e.refund_id.0, amount: Some(e.amount), ..of_order })?)
        }),
    ];
    all.into_iter().map(Consumer::unhurried).collect()
}

/// Said within the application only, where guests have no list.
fn order_created(tx: &mut Tx, e: &OrderCreated) -> Result<(), ConsumerError> {
    match e.user_id {
        Some(_) => Ok(write_later(tx, &Cause::of_order(Kind::OrderCreated, e.order_id))?),
        None => Ok(()),
    }
}

/// Each store ships and delivers by itself; a shopper hears of each part.
fn part_moved(tx: &mut Tx, e: &OrderStatusChanged) -> Result<(), ConsumerError> {
    let kind = match e.status.as_str() {
        "shipped" => Kind::OrderShipped,
        "delivered" => Kind::OrderDelivered,
        _ => return Ok(()),
    };
    let cause = Cause {
        about: e.vendor_order_id.0,
        part: Some(e.vendor_order_id),
        carrier: e.carrier.clone(),
        tracking_number: e.tracking_number.clone(),
        ..Cause::of_order(kind, e.order_id)
    };
    Ok(write_later(tx, &cause)?)
}

/// What the link is for is told by the event; its token is asked for when the mail leaves.
fn link_requested(tx: &mut Tx, e: &UserLinkRequested) -> Result<(), ConsumerError> {
    let kind = match e.purpose.as_str() {
        "verify_email" => Kind::UserVerifyEmail,
        "reset_password" => Kind::UserResetPassword,
        other => return Err(ConsumerError::Permanent(format!("a link for {other:?}"))),
    };
    Ok(write_later(tx, &Cause { about: e.link_id, ..Cause::of_user(kind, e.user_id) })?)
}
