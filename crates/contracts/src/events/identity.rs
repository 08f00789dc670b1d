//! What happens to people and their sessions. No contact details: see the security notes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{RoleId, SessionId, UserId};

/// Somebody registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserRegistered {
    /// The user.
    pub user_id: UserId,
}

/// Somebody is to be sent a link; whoever writes the mail asks identity for its token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserLinkRequested {
    /// The user.
    pub user_id: UserId,
    /// The link.
    pub link_id: uuid::Uuid,
    /// `reset_password` or `verify_email`.
    pub purpose: String,
}

/// A user's e-mail address is proved to be theirs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserVerified {
    /// The user.
    pub user_id: UserId,
}

/// Somebody signed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserSignedIn {
    /// The user.
    pub user_id: UserId,
    /// The new session.
    pub session_id: SessionId,
    /// Hash of the cart token that the person shopped with as a guest: that cart is now theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<String>,
}

/// A user's name, phone, language or picture changed; ask identity what it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserProfileUpdated {
    /// The user.
    pub user_id: UserId,
}

/// An account was closed by an administrator; its sessions have ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserDeactivated {
    /// The user.
    pub user_id: UserId,
}

/// A deactivated account was opened again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserActivated {
    /// The user.
    pub user_id: UserId,
}

/// A user's roles changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserRoleChanged {
    /// The user.
    pub user_id: UserId,
    /// The roles now, those of the marketplace's own making among them.
    pub roles: Vec<String>,
}

/// A role of the marketplace's own making was made, opens other routes, or is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleChanged {
    /// The role.
    pub role_id: RoleId,
    /// Its name.
    pub name: String,
    /// The routes that it opens now, such as `GET /api/v1/users`; none where it is gone.
    pub permissions: Vec<String>,
}

/// A session ended before its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionEnded {
    /// The user.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// `signed_out`, `refresh_token_reused`, `deactivated`, `password_reset`, `too_many_sessions`.
    pub reason: String,
}

crate::declare_events! { "identity";
    UserRegistered = "user.registered" v 1 by user_id,
    UserLinkRequested = "user.link_requested" v 1 by user_id,
    UserVerified = "user.verified" v 1 by user_id,
    UserSignedIn = "user.signed_in" v 1 by user_id,
    UserProfileUpdated = "user.profile_updated" v 1 by user_id,
    UserDeactivated = "user.deactivated" v 1 by user_id,
    UserActivated = "user.activated" v 1 by user_id,
    UserRoleChanged = "user.role_changed" v 1 by user_id,
    RoleChanged = "role.changed" v 1 by role_id,
    SessionEnded = "session.ended" v 1 by user_id,
}
