//! When a delivery that failed is tried again: the schedule that the specification gives as an example.

use crate::domain::Status;

/// What an endpoint made of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The HTTP status; none where there was no answer.
    pub status: Option<u16>,
    /// The answer's first characters, or why there is none.
    pub words: String,
    /// In how many seconds it wants to be asked again.
    pub retry_after_seconds: Option<i64>,
    /// Whether it used up its time without an answer.
    pub is_silent: bool,
}

/// Where a delivery stands after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    /// Its state.
    pub status: Status,
    /// In how many seconds it is tried again.
    pub pause_seconds: Option<i64>,
    /// Whether the endpoint wants to hear nothing any more.
    pub gone: bool,
}

/// Pauses after the first attempt, the second, and so on, in seconds: over three days in all.
const PAUSES: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// The longest pause that an endpoint may ask for, in seconds.
const PAUSE_SECONDS_MAX: i64 = 86_400;
const GONE: u16 = 410;
/// How long an endpoint that did not answer rests, at first and at most, in seconds.
const REST_SECONDS: (i64, i64) = (5, 300);

impl Reply {
    /// What became of the attempt, as operators count it.
    pub fn outcome(&self) -> &'static str {
        match self.status {
            Some(200..300) => "delivered",
            Some(_) => "refused",
            None => "unanswered",
        }
    }

    /// Whether the endpoint wants to hear nothing any more.
    pub fn is_gone(&self) -> bool {
        self.status == Some(GONE)
    }
}

/// How long an endpoint is left alone that did not answer `silences` times in a row, in seconds.
pub(crate) fn rest_seconds(silences: i64) -> i64 {
    (REST_SECONDS.0 << (silences - 1).clamp(0, 16)).min(REST_SECONDS.1)
}

/// Where a delivery stands after the `attempt`th attempt of its series, of which `attempts_max` are made. `chance` spreads
/// pauses over up to a tenth more, so that what failed together does not return together.
pub(crate) fn next(reply: &Reply, attempt: i64, attempts_max: Option<i64>, chance: u64) -> Next {
    let (dead, gone) = (Next { status: Status::Dead, pause_seconds: None, gone: false }, reply.is_gone());
    if reply.status.is_some_and(|status| (200..300).contains(&status)) {
        return Next { status: Status::Sent, ..dead };
    }
    let pause = usize::try_from(attempt - 1).ok().and_then(|n| PAUSES.get(n)).filter(|_| attempts_max.is_none_or(|max| attempt < max));
    match pause {
        Some(pause) if !gone => {
            let pause = (*pause).max(reply.retry_after_seconds.unwrap_or(0).min(PAUSE_SECONDS_MAX));
            let spread = pause * (chance % 1_000) as i64 / 10_000;
            Next { status: Status::Failed, pause_seconds: Some(pause + spread), gone }
        }
        _ => Next { gone, ..dead },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: Option<u16>) -> Reply {
        Reply { status, words: String::new(), retry_after_seconds: None, is_silent: false }
    }

    #[test]
    fn ten_attempts_over_three_days() {
        let pauses: Vec<_> = (1..=10).map(|n| next(&reply(Some(500)), n, None, 0).pause_seconds).collect();
        assert_eq!(pauses.iter().flatten().sum::<i64>(), 75 * 3_600 + 35 * 60 + 5);
        assert_eq!(pauses.iter().flatten().count(), 9);
        assert_eq!(next(&reply(Some(500)), 10, None, 0).status, Status::Dead);
        assert_eq!(next(&reply(None), 1, None, 999).pause_seconds, Some(5));
        assert_eq!(next(&reply(None), 2, None, 999).pause_seconds, Some(329));
    }

    #[test]
    fn only_2xx_is_success_and_410_is_the_end() {
        for (status, expected) in [
            (Some(200), Status::Sent),
            (Some(204), Status::Sent),
            (Some(299), Status::Sent),
            (Some(199), Status::Failed),
            (Some(301), Status::Failed),
            (Some(404), Status::Failed),
            (Some(429), Status::Failed),
            (Some(500), Status::Failed),
            (None, Status::Failed),
            (Some(410), Status::Dead),
        ] {
            let next = next(&reply(status), 1, None, 0);
            assert_eq!((next.status, next.gone), (expected, status == Some(410)), "{status:?}");
        }
    }

    #[test]
    fn an_endpoint_may_ask_for_a_longer_pause_but_not_for_a_shorter_one() {
        for (asked, attempt, expected) in [(60, 1, 60), (60, 2, 300), (10_000_000, 1, 86_400), (-5, 1, 5)] {
            let reply = Reply { retry_after_seconds: Some(asked), ..reply(Some(503)) };
            assert_eq!(next(&reply, attempt, None, 0).pause_seconds, Some(expected), "{asked}");
        }
    }

    #[test]
    fn who_does_not_answer_rests_longer_each_time() {
        assert_eq!([1, 2, 3, 6, 7, 100].map(rest_seconds), [5, 10, 20, 160, 300, 300]);
    }

    #[test]
    fn what_is_tried_once_is_tried_once() {
        assert_eq!(next(&reply(Some(500)), 1, Some(1), 0).status, Status::Dead);
    }
}
