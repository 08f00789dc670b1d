//! What payments do when something happened to an order.

use contracts::events::orders::OrderStatusChanged;
use kit::{Consumer, ConsumerError, DbError, Tx};

use crate::app;
use crate::error::Error;

/// One per consumed event.
pub(crate) fn consumers() -> Vec<Consumer> {
    vec![Consumer::on(|tx, e: &OrderStatusChanged, _| at_the_door(tx, e).map_err(failed)).unhurried()]
}

/// A store's part was delivered for cash, or refused.
fn at_the_door(tx: &mut Tx, e: &OrderStatusChanged) -> Result<(), Error> {
    match (e.payment_id, e.status.as_str(), e.collected) {
        (Some(payment), "delivered", Some(collected)) => app::collect_at_door(tx, payment, e.vendor_id, collected),
        (Some(payment), "refused", _) => app::refused_at_door(tx, payment, e.vendor_id, &e.lines),
        _ => Ok(()),
    }
}

fn failed(e: Error) -> ConsumerError {
    match e {
        // The payment was begun before its order was confirmed: it will be here.
        Error::NotFound => ConsumerError::Later("the payment is not here yet".into()),
        Error::Db(DbError::Internal(text)) => ConsumerError::Permanent(text),
        Error::Db(e) => ConsumerError::Db(e),
        other => ConsumerError::Permanent(other.to_string()),
    }
}
