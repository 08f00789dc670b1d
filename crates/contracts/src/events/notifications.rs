//! What happens to messages. Neither their text nor where they go: see the security notes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{NotificationId, UserId};

/// A message was written for somebody, and waits to be sent where its channel sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationQueued {
    /// The message.
    pub notification_id: NotificationId,
    /// For whom; null for a guest.
    pub user_id: Option<UserId>,
    /// What it is about, such as `order.confirmed`.
    pub kind: String,
    /// `in_app` or `email`.
    pub channel: String,
}

/// A message has left: its channel's provider has taken it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationSent {
    /// The message.
    pub notification_id: NotificationId,
    /// `email`.
    pub channel: String,
}

/// A message cannot be sent: refused for good, or tried too often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationFailed {
    /// The message.
    pub notification_id: NotificationId,
    /// `email`.
    pub channel: String,
    /// How often it was tried.
    pub attempts: i64,
}

/// Somebody read a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationRead {
    /// The message.
    pub notification_id: NotificationId,
    /// Who.
    pub user_id: UserId,
}

crate::declare_events! { "notifications";
    NotificationQueued = "notification.queued" v 1 by notification_id,
    NotificationSent = "notification.sent" v 1 by notification_id,
    NotificationFailed = "notification.failed" v 1 by notification_id,
    NotificationRead = "notification.read" v 1 by notification_id,
}
