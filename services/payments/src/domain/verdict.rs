//! What becomes of a provider's message.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a provider's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookVerdict)]
pub(crate) enum Verdict {
    /// It was taken in.
    Applied,
    /// It means nothing to us.
    Ignored,
    /// It is not the provider's: its signature does not fit, or it is too old.
    Refused,
    /// It is the provider's, and cannot be read.
    Malformed,
    /// It could not be applied: the payment is not here, or what it says does not fit.
    Failed,
}

impl Verdict {
    const ALL: [Verdict; 5] = [Verdict::Applied, Verdict::Ignored, Verdict::Refused, Verdict::Malformed, Verdict::Failed];

    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Applied => "applied",
            Verdict::Ignored => "ignored",
            Verdict::Refused => "refused",
            Verdict::Malformed => "malformed",
            Verdict::Failed => "failed",
        }
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|v| v.as_str() == text)
    }
}
