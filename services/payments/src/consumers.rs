//! What payments do when something happened to an order.

use contracts::events::orders::OrderDelivered;
use kit::{Consumer, ConsumerError, DbError};

use crate::app;
use crate::error::Error;

/// One per consumed event.
pub(crate) fn consumers() -> Vec<Consumer> {
    vec![Consumer::on(|tx, e: &OrderDelivered, _| app::collect_cash(tx, e.payment_id).map_err(failed))]
}

fn failed(e: Error) -> ConsumerError {
    match e {
        Error::Db(DbError::Internal(text)) => ConsumerError::Permanent(text),
        Error::Db(e) => ConsumerError::Db(e),
        other => ConsumerError::Permanent(other.to_string()),
    }
}
