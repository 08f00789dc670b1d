//! What is told to whom when something happened elsewhere. Who that is and what it says is found out by a job: both
//! need other services.

use contracts::events::catalog::{InventoryLow, ProductBackInStock};
use contracts::events::identity::{SessionEnded, UserLinkRequested, UserRegistered};
use contracts::events::orders::{
    OrderCancelled, OrderConfirmed, OrderCreated, OrderFailed, OrderPartsCancelled, OrderReturnApproved, OrderReturnRejected,
    OrderReturnRequested, OrderStatusChanged,
};
use contracts::events::payments::PaymentRefunded;
use contracts::events::vendors::VendorStaffInvited;
use kit::{Consumer, ConsumerError, Tx};

use crate::app::{route_later, write_later};
use crate::domain::webhook::descriptions;
use crate::domain::{Cause, Goods, Kind, Pieces};
use crate::store;

/// One per consumed event.
pub(crate) fn all() -> Vec<Consumer> {
    let all = [
        Consumer::on(|tx, e: &UserRegistered, _| Ok(write_later(tx, &Cause::of_user(Kind::UserRegistered, e.user_id))?)),
        Consumer::on(|tx, e: &UserLinkRequested, _| link_requested(tx, e)),
        Consumer::on(|tx, e: &SessionEnded, _| Ok(store::end_push_tokens(tx, e.session_id)?)),
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
        Consumer::on(|tx, e: &OrderPartsCancelled, _| parts_cancelled(tx, e)),
        Consumer::on(|tx, e: &OrderStatusChanged, _| part_moved(tx, e)),
        Consumer::on(|tx, e: &OrderReturnRequested, _| return_requested(tx, e)),
        Consumer::on(|tx, e: &OrderReturnApproved, _| {
            let of_order = Cause::of_order(Kind::OrderReturnApproved, e.order_id);
            Ok(write_later(tx, &Cause { about: e.return_id.0, part: Some(e.vendor_order_id), ..of_order })?)
        }),
        Consumer::on(|tx, e: &OrderReturnRejected, _| {
            let (about, reason) = (e.return_id.0, Some(e.reason.clone()));
            let of_order = Cause::of_order(Kind::OrderReturnRejected, e.order_id);
            Ok(write_later(tx, &Cause { about, reason, part: Some(e.vendor_order_id), ..of_order })?)
        }),
        Consumer::on(|tx, e: &ProductBackInStock, envelope| {
            let goods = Goods { title: e.title.clone(), path: format!("/products/{}", e.slug), available: None };
            let of_goods = Cause::of_goods(Kind::ProductBackInStock, envelope.id, goods);
            Ok(write_later(tx, &Cause { user_id: Some(e.user_id), ..of_goods })?)
        }),
        Consumer::on(|tx, e: &InventoryLow, envelope| {
            let path = format!("/vendor/products/{}", e.product_id);
            let goods = Goods { title: e.title.clone(), path, available: Some(e.available) };
            let of_goods = Cause::of_goods(Kind::InventoryLow, envelope.id, goods);
            Ok(write_later(tx, &Cause { stores: vec![e.vendor_id], ..of_goods })?)
        }),
        Consumer::on(|tx, e: &PaymentRefunded, _| {
            let of_order = Cause::of_order(Kind::PaymentRefunded, e.order_id);
            Ok(write_later(tx, &Cause { about: e.refund_id.0, amount: Some(e.amount), ..of_order })?)
        }),
        Consumer::on(|tx, e: &VendorStaffInvited, _| {
            let of_user = Cause::of_user(Kind::StaffInvited, e.user_id);
            Ok(write_later(tx, &Cause { about: e.invitation_id, stores: vec![e.vendor_id], ..of_user })?)
        }),
    ];
    // Events of any type may be what a webhook asks for.
    let passed_on = descriptions().iter().map(|d| Consumer::of(d.source, d.kind, |tx, event| Ok(route_later(tx, event)?)));
    all.into_iter().chain(passed_on).map(Consumer::unhurried).collect()
}

/// Said within the application only, where guests have no list.
fn order_created(tx: &mut Tx, e: &OrderCreated) -> Result<(), ConsumerError> {
    match e.user_id {
        Some(_) => Ok(write_later(tx, &Cause::of_order(Kind::OrderCreated, e.order_id))?),
        None => Ok(()),
    }
}

/// What was to be packed is not any more; each part is its store's to know.
fn parts_cancelled(tx: &mut Tx, e: &OrderPartsCancelled) -> Result<(), ConsumerError> {
    for part in &e.parts {
        let (about, part, reason) = (part.vendor_order_id.0, Some(part.vendor_order_id), Some(e.reason.clone()));
        write_later(tx, &Cause { about, part, reason, ..Cause::of_order(Kind::VendorOrderCancelled, e.order_id) })?;
    }
    Ok(())
}

/// The store is to say whether it takes the pieces back.
fn return_requested(tx: &mut Tx, e: &OrderReturnRequested) -> Result<(), ConsumerError> {
    let pieces = e.lines.iter().map(|l| Pieces { line: l.line_id, quantity: l.quantity }).collect();
    let (about, part, reason) = (e.return_id.0, Some(e.vendor_order_id), Some(e.reason.clone()));
    Ok(write_later(tx, &Cause { about, part, reason, pieces, ..Cause::of_order(Kind::VendorOrderReturnRequested, e.order_id) })?)
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
