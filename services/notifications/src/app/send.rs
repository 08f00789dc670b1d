//! Messages that an administrator or another program sends to one user.

use contracts::{NotificationId, UserId};
use kit::Tx;
use kit::idempotency::{Answer, Given, Key, once};
use serde_json::json;
use uuid::Uuid;

use super::App;
use super::people::Known;
use super::templates::Written;
use crate::domain::{Addressee, Draft, Medium, Wanted, filled};
use crate::error::Error;
use crate::store::TemplateKey;

impl App {
    /// Sends a message to a user, on each of the channels on which it reaches them.
    pub async fn send(&self, user: UserId, wanted: Wanted, key: Option<Key>) -> Result<Given, Error> {
        let mut known = Known::new(self.written().await?);
        let reader = self.user(user, &mut known).await?.ok_or(Error::UnknownUser)?;
        let drafts = self.compose(&known.written, &wanted, Uuid::nil(), &reader)?;
        let app = self.clone();
        self.db
            .write(move |tx| {
                once(tx, key.as_ref(), |tx| {
                    // It is about nothing but itself: each request makes a message of its own.
                    let (about, mut sent) = (tx.id(), Vec::new());
                    for draft in &drafts {
                        sent.push((draft.channel, app.store_draft(tx, &Draft { about, ..draft.clone() })?));
                    }
                    Ok(Answer::new(201, None, &answer(&wanted.channels, &sent)))
                })
            })
            .await
    }

    /// A message for each channel that is wanted and on which it reaches the reader.
    pub(super) fn compose(&self, written: &Written, wanted: &Wanted, about: Uuid, reader: &Addressee) -> Result<Vec<Draft>, Error> {
        let Wanted { kind, channels, variables } = wanted;
        let fields = filled(*kind, variables, reader, &self.public_url);
        let draft = |channel| {
            Ok(Draft {
                recipient: reader.recipient,
                user_id: reader.user_id,
                kind: *kind,
                about,
                order_id: None,
                channel,
                address: if channel == Medium::Email { reader.email.clone() } else { String::new() },
                text: self.words(written, TemplateKey { kind: *kind, channel, locale: reader.locale }, &fields)?,
            })
        };
        reader.channels(*kind).filter(|channel| channels.contains(channel)).map(draft).collect()
    }

    /// Stores a message and sees to it that it leaves; `None` where its reader has it, or does not want it.
    pub(super) fn store_draft(&self, tx: &mut Tx, draft: &Draft) -> Result<Option<NotificationId>, Error> {
        Ok(self.store_drafts(tx, &[(None, draft)])?.into_iter().next().flatten())
    }
}

/// What became of the message on each channel that was wanted.
fn answer(wanted: &[Medium], sent: &[(Medium, Option<NotificationId>)]) -> serde_json::Value {
    let outcome = |channel: &Medium| match sent.iter().find(|(c, _)| c == channel) {
        Some((_, Some(id))) => json!({"channel": channel, "id": id, "skipped": null}),
        Some((_, None)) => json!({"channel": channel, "id": null, "skipped": "turned_off"}),
        None => json!({"channel": channel, "id": null, "skipped": "no_address"}),
    };
    json!({"messages": wanted.iter().map(outcome).collect::<Vec<_>>()})
}
