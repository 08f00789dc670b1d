//! How the outcome of a payment becomes known: the provider says so, or is asked. Both end in the same transaction, so
//! that either alone, or both in any order and number, are one capture.

use axum::http::HeaderMap;
use contracts::PaymentId;

use super::{App, Shown, carry_out};
use crate::domain::Command;
use crate::error::Error;
use crate::provider::{Method, Standing};
use crate::store::{self, Owner};

/// How long a provider's messages are kept, in seconds: far longer than it repeats them.
const WEBHOOKS_KEPT_SECONDS: i64 = 30 * 24 * 3_600;

impl App {
    /// Takes in a message of the sandbox: verified, then noted and applied in one transaction. A message that came
    /// before, or means nothing to us, writes nothing. One about a payment that is not here yet is refused, so that the
    /// provider repeats it.
    pub async fn sandbox_webhook(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), Error> {
        let notice = self.providers.read_sandbox_webhook(headers, self.clock.now(), body)?;
        let Some(command) = notice.standing.as_ref().and_then(command) else { return Ok(()) };
        let seen = notice.id.clone();
        if self.db.read(move |q| Ok::<_, Error>(store::has_webhook(q, &seen)?)).await? {
            return Ok(());
        }
        self.db
            .write(move |tx| {
                if store::insert_webhook(tx, &notice.id, &notice.kind, notice.payment_id, &notice.body)? {
                    carry_out(tx, notice.payment_id, [command.clone()])?;
                }
                Ok::<_, Error>(())
            })
            .await?;
        kit::crash::point("payments.after_webhook");
        Ok(())
    }

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

    /// Forgets old messages, in chunks.
    pub async fn forget_webhooks(&self) -> Result<(), Error> {
        loop {
            let forgotten = self.db.write_behind(|tx| {
                let before = tx.now().plus_seconds(-WEBHOOKS_KEPT_SECONDS);
                Ok::<_, Error>(store::forget_webhooks(tx, before)?)
            });
            if forgotten.await? < 500 {
                return Ok(());
            }
        }
    }
}

/// What a provider's word asks of the payment. That it gave a payment up because we did changes nothing.
fn command(standing: &Standing) -> Option<Command> {
    match standing {
        Standing::Charged(charge) => Some(Command::Capture(charge.clone())),
        Standing::Declined => Some(Command::Fail("payment_declined".into())),
        Standing::Open(_) | Standing::Cancelled => None,
    }
}
