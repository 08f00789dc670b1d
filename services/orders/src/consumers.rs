//! What orders do when something happened to a payment.

use contracts::events::payments::{PaymentCompleted, PaymentFailed, PaymentRefunded};
use kit::Consumer;
use kit::saga::Sagas;

use crate::app;

/// One per consumed event.
pub(crate) fn consumers(sagas: &Sagas) -> Vec<Consumer> {
    let (paid, declined) = (sagas.clone(), sagas.clone());
    vec![
        Consumer::on(move |tx, e: &PaymentCompleted, envelope| Ok(app::payment_completed(tx, &paid, e, envelope.id)?)),
        Consumer::on(move |tx, e: &PaymentFailed, envelope| Ok(app::payment_failed(tx, &declined, e, envelope.id)?)),
        Consumer::on(|tx, e: &PaymentRefunded, _| Ok(app::payment_refunded(tx, e)?)),
    ]
}
