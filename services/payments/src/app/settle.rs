//! How the outcome of a payment becomes known: the provider says so, or is asked. Both end in the same transaction, so
//! that either alone, or both in any order and number, are one capture.

use contracts::PaymentId;

use super::{App, Shown, carry_out};
use crate::domain::Command;
use crate::error::Error;
use crate::provider::{Method, Standing};
use crate::store::Owner;

impl App {
    /// Asks the provider how a payment of `owner` stands, and applies its answer.
    pub async fn confirm(&self, owner: Owner, id: PaymentId) -> Result<Shown, Error> {
        let payment = self.payment(owner.clone(), id).await?;
        if !["requires_action", "processing", "failed", "cancelled"].contains(&payment.row.status.as_str()) {
            return Ok(payment);
        }
        let standing = self.providers.ask(Method::parse(&payment.row.method)?, id).await?;
        kit::crash::point("payments.after_provider");
        let Some(command) = command(&standing) else { return Ok(payment) };
        self.db.write(move |tx| carry_out(tx, id, [command.clone()])).await?;
        self.payment(owner, id).await
    }
}

/// What a provider's word asks of the payment. That it gave a payment up because we did changes nothing.
pub(super) fn command(standing: &Standing) -> Option<Command> {
    match standing {
        Standing::Charged(charge) => Some(Command::Capture(charge.clone())),
        Standing::Declined => Some(Command::Fail("payment_declined".into())),
        Standing::Open(_) | Standing::Cancelled => None,
    }
}
