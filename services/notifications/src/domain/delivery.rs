//! How a message leaves: tried, tried again with growing pauses, given up.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Not tried yet.
    Pending,
    /// Tried, and tried again later.
    Failed,
    /// The provider has taken it.
    Sent,
    /// Refused for good, or tried too often: an operator's to see.
    Dead,
}

impl Status {
    const ALL: [Status; 4] = [Status::Pending, Status::Failed, Status::Sent, Status::Dead];

    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Failed => "failed",
            Status::Sent => "sent",
            Status::Dead => "dead",
        }
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// What became of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Taken.
    Sent,
    /// Not now: a busy server, a lost connection.
    Later,
    /// Never: the server refuses it for good.
    Never,
}

impl Outcome {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Sent => "sent",
            Outcome::Later => "later",
            Outcome::Never => "never",
        }
    }
}

/// What a provider said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// What it means.
    pub outcome: Outcome,
    /// Its own words.
    pub words: String,
}

/// The longest answer of a provider that is kept, in characters.
const WORDS_MAX: usize = 500;

impl Answer {
    /// An answer, cut to what is kept.
    pub fn new(outcome: Outcome, words: &str) -> Answer {
        Answer { outcome, words: words.chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect() }
    }
}

/// The first pause, how much each is longer than the one before, and the longest, in seconds.
const PAUSE: (i64, i64, i64) = (10, 3, 3_600);

/// Where a delivery stands after the `attempt`th attempt of at most `attempts_max`, and in how many seconds it is tried
/// again. `chance` spreads the pause over up to a fifth more, so that mails that failed together do not return together.
pub(crate) fn after(outcome: Outcome, attempt: i64, attempts_max: i64, chance: u64) -> (Status, Option<i64>) {
    match outcome {
        Outcome::Sent => (Status::Sent, None),
        Outcome::Never => (Status::Dead, None),
        Outcome::Later if attempt >= attempts_max => (Status::Dead, None),
        Outcome::Later => {
            let (first, factor, longest) = PAUSE;
            let exponent = u32::try_from(attempt.saturating_sub(1).clamp(0, 10)).unwrap_or(0);
            let pause = factor.saturating_pow(exponent).saturating_mul(first).min(longest);
            (Status::Failed, Some(pause + pause * (chance % 1_000) as i64 / 5_000))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let pauses: Vec<_> = (1..=9).map(|attempt| after(Outcome::Later, attempt, 9, 0)).collect();
        let seconds: Vec<_> = pauses.iter().filter_map(|p| p.1).collect();
        assert_eq!(seconds, [10, 30, 90, 270, 810, 2_430, 3_600, 3_600]);
        assert_eq!(pauses[8], (Status::Dead, None));
        assert_eq!(after(Outcome::Later, i64::MAX - 1, i64::MAX, 999).1, Some(3_600 + 719));
    }

    #[test]
    fn what_is_certain_is_not_tried_again() {
        assert_eq!(after(Outcome::Sent, 1, 8, 7), (Status::Sent, None));
        assert_eq!(after(Outcome::Never, 1, 8, 7), (Status::Dead, None));
    }

    #[test]
    fn answers_are_cut_and_hold_no_line_breaks() {
        let answer = Answer::new(Outcome::Later, &format!("a\r\nb{}", "ক".repeat(1_000)));
        assert_eq!(answer.words.chars().count(), 500);
        assert!(answer.words.starts_with("abক"));
    }
}
