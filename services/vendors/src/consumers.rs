//! What stores sell and earn, from the events of orders and payments. Each event is one row or one column of a row, so
//! that one which comes again changes nothing; events of one publisher may come long before those of the other.

use contracts::events::orders::{
    OrderCancelled, OrderConfirmed, OrderCreated, OrderFailed, OrderImported, OrderPartsCancelled, OrderReturnRejected,
    OrderReturnRequested, OrderReturned, OrderStatusChanged,
};
use contracts::events::payments::{PaymentCashCollected, PaymentCompleted, PaymentRefundFailed, PaymentRefundRequested};
use kit::{Consumer, ConsumerError, Tx};

use crate::domain::figures::by_store;
use crate::store::figures::{self, Cause, Reached};

/// One per consumed event.
pub(crate) fn all() -> Vec<Consumer> {
    let all = [
        Consumer::on(|tx, e: &OrderCreated, _| Ok(figures::insert_sales(tx, e.order_id, &e.parts)?)),
        Consumer::on(|tx, e: &OrderImported, _| Ok(figures::put_imported(tx, e)?)),
        Consumer::on(|tx, e: &OrderConfirmed, _| Ok(figures::confirm(tx, e.order_id, e.at)?)),
        Consumer::on(|tx, e: &OrderFailed, _| Ok(figures::end(tx, e.order_id, e.at)?)),
        Consumer::on(|tx, e: &OrderCancelled, _| Ok(figures::end(tx, e.order_id, e.at)?)),
        Consumer::on(|tx, e: &OrderPartsCancelled, _| Ok(figures::end_parts(tx, &e.parts, e.at)?)),
        Consumer::on(|tx, e: &OrderStatusChanged, _| part_moved(tx, e)),
        Consumer::on(|tx, e: &OrderReturnRequested, _| Ok(figures::insert_return(tx, e.return_id, e.vendor_order_id, &e.lines)?)),
        Consumer::on(|tx, e: &OrderReturned, _| match e.return_id {
            Some(id) => Ok(figures::receive_return(tx, id, e.at)?),
            None => Ok(()),
        }),
        Consumer::on(|tx, e: &OrderReturnRejected, _| Ok(figures::reject_return(tx, e.return_id, e.at)?)),
        Consumer::on(|tx, e: &PaymentCompleted, envelope| {
            let (cause, stores) = ((e.payment_id.0, Cause::Sale), by_store(&e.shares, 1));
            Ok(figures::insert_earnings(tx, cause, e.amount.currency, &stores, envelope.time)?)
        }),
        Consumer::on(|tx, e: &PaymentCashCollected, envelope| {
            let (cause, stores) = ((e.collection_id.0, Cause::Sale), by_store(&e.shares, 1));
            Ok(figures::insert_earnings(tx, cause, e.amount.currency, &stores, envelope.time)?)
        }),
        Consumer::on(|tx, e: &PaymentRefundRequested, envelope| {
            let (cause, stores) = ((e.refund_id.0, Cause::Refund), by_store(&e.shares, -1));
            Ok(figures::insert_earnings(tx, cause, e.amount.currency, &stores, envelope.time)?)
        }),
        Consumer::on(|tx, e: &PaymentRefundFailed, envelope| Ok(figures::take_refund_back(tx, e.refund_id.0, envelope.time)?)),
    ];
    all.into_iter().map(Consumer::unhurried).collect()
}

fn part_moved(tx: &mut Tx, e: &OrderStatusChanged) -> Result<(), ConsumerError> {
    let reached = match e.status.as_str() {
        "shipped" => Reached::Shipped,
        "delivered" => Reached::Delivered,
        "refused" => Reached::Refused,
        _ => return Ok(()),
    };
    Ok(figures::advance(tx, e.vendor_order_id, reached, e.at)?)
}
