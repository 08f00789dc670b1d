//! Devices that messages can be pushed to.

use contracts::Time;
use kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// How many devices one person has.
pub(crate) const DEVICES_MAX: i64 = 20;

/// What a device runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Platform {
    /// Google's.
    Android,
    /// Apple's.
    Ios,
    /// A browser.
    Web,
}

impl Platform {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Platform::Android => "android",
            Platform::Ios => "ios",
            Platform::Web => "web",
        }
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<Platform> {
        [Platform::Android, Platform::Ios, Platform::Web].into_iter().find(|p| p.as_str() == text)
    }
}

/// A device, as its owner sees it. The token itself is not shown again: who has it can be written to.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PushToken {
    /// Under which it is taken away.
    pub id: Uuid,
    /// What it runs.
    pub platform: Platform,
    /// Since when.
    pub created_at: Time,
    /// When it was last said.
    pub updated_at: Time,
}

/// What is wrong with a token.
pub(crate) fn token_error(token: &str) -> Option<FieldError> {
    let fits = (1..=4_096).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
    let detail = "a token has 1 to 4,096 visible ASCII characters, as the device's push service gave it".to_owned();
    (!fits).then(|| FieldError { pointer: "/token".into(), code: "malformed", detail })
}
