//! What somebody sees of their messages.

use contracts::events::notifications::NotificationRead;
use contracts::{NotificationId, UserId};
use kit::http::PageRequest;

use super::App;
use crate::domain::Medium;
use crate::error::Error;
use crate::store::{self, Mail, Message};

/// How many messages are marked in one transaction.
const MARKED_AT_ONCE: i64 = 500;

impl App {
    /// Somebody's messages, newest first; on one channel, or on all.
    pub async fn messages(
        &self,
        user: UserId,
        channel: Option<Medium>,
        only_unread: bool,
        page: PageRequest,
    ) -> Result<Vec<Message>, Error> {
        self.db.read(move |q| Ok(store::list(q, user.0, channel, only_unread, page.after, page.limit)?)).await
    }

    /// Marks a message as read; one that was read keeps its time.
    pub async fn mark_read(&self, user: UserId, id: NotificationId) -> Result<Message, Error> {
        self.db
            .write(move |tx| {
                if store::mark_read(tx, user.0, id)? {
                    tx.publish(NotificationRead { notification_id: id, user_id: user })?;
                }
                store::find(tx, user.0, id)?.ok_or(Error::NoMessage)
            })
            .await
    }

    /// Marks all of somebody's messages as read; returns how many were not.
    pub async fn mark_all_read(&self, user: UserId) -> Result<i64, Error> {
        let mut marked = 0;
        loop {
            let now = self
                .db
                .write(move |tx| {
                    let ids = store::mark_all_read(tx, user.0, MARKED_AT_ONCE)?;
                    for id in &ids {
                        tx.publish(NotificationRead { notification_id: *id, user_id: user })?;
                    }
                    Ok::<_, Error>(ids.len() as i64)
                })
                .await?;
            marked += now;
            if now < MARKED_AT_ONCE {
                return Ok(marked);
            }
        }
    }

    /// What is in the development mailbox, newest first.
    pub async fn mails(&self, page: PageRequest) -> Result<Vec<Mail>, Error> {
        self.db.read(move |q| Ok(store::mails(q, page.after, page.limit)?)).await
    }
}
