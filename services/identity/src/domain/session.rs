//! Sessions: one sign-in on one device, and the family of refresh tokens that keeps it open.

use contracts::{SessionId, Time, UserId};

/// One sign-in.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// What the device calls itself.
    pub device: Option<String>,
    /// The network address it was opened from.
    pub address: Option<String>,
    /// When it was opened.
    pub created_at: Time,
    /// When its tokens were last renewed.
    pub used_at: Time,
    /// When it ends unless renewed.
    pub expires_at: Time,
}
