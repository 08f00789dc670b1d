//! The inbox of what providers tell us by themselves: every message is kept as it came, with what became of it, and can
//! be handled again.

use axum::http::HeaderMap;
use kit::Tx;
use kit::http::PageRequest;
use kit::webhook::inbox;
use uuid::Uuid;

use super::settle::command;
use super::{App, carry_out};
use crate::domain::Verdict;
use crate::error::Error;
use crate::provider::{Method, Notice, read_sandbox_message};
use crate::store::{self, Arrived, WebhookFilter, WebhookRow};

impl App {
    /// Takes in a message of the sandbox: verified, then kept and applied in one transaction. A repeat of one that was
    /// applied writes nothing. One about a payment that is not here yet is refused, so that the provider repeats it.
    pub async fn sandbox_webhook(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), Error> {
        let mut arrived = arrived(headers, body);
        let id = match self.providers.verify_sandbox(headers, self.clock.now(), body) {
            Ok(id) => id,
            Err(e) => {
                arrived.body.truncate(inbox::REFUSED_BYTES_MAX);
                self.keep(arrived, Verdict::Refused, Some(&e)).await?;
                return Err(e);
            }
        };
        arrived.message = Some(id.clone());
        if self.db.read(move |q| Ok::<_, Error>(store::was_applied(q, &id)?)).await? {
            return Ok(());
        }
        let handled = self.handle(arrived).await;
        kit::crash::point("payments.after_webhook");
        handled
    }

    /// Messages, newest first.
    pub async fn webhooks(&self, filter: WebhookFilter, page: PageRequest) -> Result<Vec<WebhookRow>, Error> {
        self.db.read(move |q| Ok(store::webhooks(q, &filter, &page)?)).await
    }

    /// Handles a message once more, as it came. What it did it does not do twice: the payment's stream knows. One that
    /// nobody vouched for stays refused.
    pub async fn replay_webhook(&self, id: Uuid) -> Result<WebhookRow, Error> {
        let row = self.webhook(id).await?;
        if row.verdict == Verdict::Refused || row.message.is_none() {
            return Err(Error::NotVerified);
        }
        let provider = Method::Sandbox.as_str();
        let (headers, body) = (row.headers, row.body);
        let arrived = Arrived { provider, message: row.message, kind: None, payment_id: None, headers, body };
        match self.handle(arrived).await {
            // It is in the row, for who asked to see.
            Ok(()) | Err(Error::Malformed(_)) => {}
            Err(e) if is_final(&e) => {}
            Err(e) => return Err(e),
        }
        self.webhook(id).await
    }

    async fn webhook(&self, id: Uuid) -> Result<WebhookRow, Error> {
        self.db.read(move |q| store::webhook(q, id)?.ok_or(Error::NoWebhook)).await
    }

    /// Applies a message that is the provider's, and keeps it with what became of it.
    async fn handle(&self, mut arrived: Arrived) -> Result<(), Error> {
        let notice = match read_sandbox_message(&arrived.body) {
            Ok(notice) => notice,
            Err(e) => {
                self.keep(arrived, Verdict::Malformed, Some(&e)).await?;
                return Err(e);
            }
        };
        (arrived.kind, arrived.payment_id) = (Some(notice.kind.clone()), Some(notice.payment_id));
        let kept = arrived.clone();
        match self.apply(arrived, notice).await {
            Err(e) if is_final(&e) => {
                self.keep(kept, Verdict::Failed, Some(&e)).await?;
                Err(e)
            }
            applied => applied,
        }
    }

    async fn apply(&self, arrived: Arrived, notice: Notice) -> Result<(), Error> {
        let Some(command) = notice.standing.as_ref().and_then(command) else {
            return self.keep(arrived, Verdict::Ignored, None).await;
        };
        self.db
            .write(move |tx| {
                store::keep_webhook(tx, &arrived, Verdict::Applied, None)?;
                carry_out(tx, notice.payment_id, [command.clone()])?;
                Ok::<_, Error>(())
            })
            .await
    }

    async fn keep(&self, arrived: Arrived, verdict: Verdict, reason: Option<&Error>) -> Result<(), Error> {
        let detail = reason.map(|e| inbox::detail(&e.to_string()));
        let note = move |tx: &mut Tx| {
            store::keep_webhook(tx, &arrived, verdict, detail.as_deref())?;
            if verdict == Verdict::Refused {
                store::thin_out_refused(tx, inbox::REFUSED_MAX)?;
            }
            Ok(())
        };
        // The provider waits for its answer, and perhaps a payer behind it; who cannot be believed waits behind everybody.
        if verdict == Verdict::Refused { self.db.write_behind(note).await } else { self.db.write(note).await }
    }

    /// Forgets old messages, in chunks.
    pub async fn forget_webhooks(&self) -> Result<(), Error> {
        let before = self.clock.now().plus_seconds(-inbox::KEPT_SECONDS);
        while self.db.write_behind(move |tx| Ok::<_, Error>(store::forget_webhooks(tx, before)?)).await? > 0 {}
        Ok(())
    }
}

/// Whether a message failed for what it says, and not for want of a database.
fn is_final(e: &Error) -> bool {
    !matches!(e, Error::Db(_) | Error::Unavailable(_) | Error::Broken(_))
}

fn arrived(headers: &HeaderMap, body: &[u8]) -> Arrived {
    let (provider, headers) = (Method::Sandbox.as_str(), inbox::headers_of(headers));
    Arrived { provider, message: None, kind: None, payment_id: None, headers, body: body.to_vec() }
}
