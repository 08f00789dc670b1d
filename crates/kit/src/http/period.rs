//! Periods of whole days, as reports are asked for.

use contracts::Time;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as Unreadable, StringDeserializer};

use crate::Problem;

const DAY_US: i64 = 24 * 3_600 * 1_000_000;

/// The days from the first to the last, both of them included; days begin at midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Days since 1970-01-01.
    first: i64,
    /// Days since 1970-01-01, at least `first`.
    last: i64,
}

impl Period {
    /// From what a caller asked for: `from` and `to` such as `2026-01-31`. Without `to` it ends today, without `from` it
    /// has `days_default` days. More than `days_max` days are refused, and so is what is no day.
    pub fn new(from: Option<&str>, to: Option<&str>, now: Time, days_default: i64, days_max: i64) -> Result<Period, Problem> {
        let day = |name: &str, text: Option<&str>| text.map(|t| parse(t).ok_or_else(|| no_day(name, t))).transpose();
        let last = day("to", to)?.unwrap_or_else(|| day_of(now));
        let first = day("from", from)?.unwrap_or(last - (days_default - 1));
        match last - first + 1 {
            ..=0 => Err(wrong(format!("the period ends before it begins: from {} to {}", day_text(first), day_text(last)))),
            days if days > days_max => Err(wrong(format!("expected at most {days_max} days, found {days}"))),
            _ => Ok(Period { first, last }),
        }
    }

    /// The first moment that belongs to it.
    pub fn begin(self) -> Time {
        Time(self.first * DAY_US)
    }

    /// The first moment that no longer belongs to it.
    pub fn end(self) -> Time {
        Time((self.last + 1) * DAY_US)
    }

    /// Its first day, such as `2026-01-01`.
    pub fn from(self) -> String {
        day_text(self.first)
    }

    /// Its last day.
    pub fn to(self) -> String {
        day_text(self.last)
    }
}

/// The day of a moment, in days since 1970-01-01.
pub fn day_of(at: Time) -> i64 {
    at.0.div_euclid(DAY_US)
}

/// A day in days since 1970-01-01, as it is written.
pub fn day_text(day: i64) -> String {
    Time(day.saturating_mul(DAY_US)).to_string().chars().take(DAY_TEXT.len()).collect()
}

const DAY_TEXT: &str = "2026-01-31";

fn parse(text: &str) -> Option<i64> {
    if text.len() != DAY_TEXT.len() {
        return None;
    }
    let midnight: StringDeserializer<Unreadable> = format!("{text}T00:00:00Z").into_deserializer();
    Time::deserialize(midnight).ok().map(day_of).filter(|day| *day >= 0)
}

fn no_day(name: &str, text: &str) -> Problem {
    wrong(format!("{name}: expected a day such as {DAY_TEXT}, found {text:?}"))
}

fn wrong(text: String) -> Problem {
    Problem::bad_request("invalid_period", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-02-01, at noon.
    const NOW: Time = Time(20_485 * DAY_US + DAY_US / 2);

    fn period(from: Option<&str>, to: Option<&str>) -> Result<(String, String), String> {
        let made = Period::new(from, to, NOW, 30, 366);
        made.map(|p| (p.from(), p.to())).map_err(|problem| problem.code.to_string())
    }

    #[test]
    fn a_period_is_what_was_asked_for_or_the_last_days() {
        let cases = [
            (None, None, Ok(("2026-01-03", "2026-02-01"))),
            (Some("2026-01-31"), None, Ok(("2026-01-31", "2026-02-01"))),
            (None, Some("2024-02-29"), Ok(("2024-01-31", "2024-02-29"))),
            (Some("2024-01-01"), Some("2024-12-31"), Ok(("2024-01-01", "2024-12-31"))),
            (Some("2024-01-01"), Some("2025-01-01"), Err("invalid_period")),
            (Some("2026-02-02"), None, Err("invalid_period")),
            (Some("2026-02-30"), None, Err("invalid_period")),
            (Some("2026-1-1"), None, Err("invalid_period")),
            (None, Some("1969-12-31"), Err("invalid_period")),
            (Some("yesterday!"), None, Err("invalid_period")),
            (Some("২০২৬"), None, Err("invalid_period")),
            (None, Some(""), Err("invalid_period")),
        ];
        for (from, to, expected) in cases {
            let expected = expected.map(|(a, b)| (a.to_owned(), b.to_owned())).map_err(str::to_owned);
            assert_eq!(period(from, to), expected, "{from:?} to {to:?}");
        }
    }

    #[test]
    fn it_begins_and_ends_at_midnight() {
        let day = Period::new(Some("1970-01-02"), Some("1970-01-02"), NOW, 30, 366).unwrap();
        assert_eq!((day.begin(), day.end()), (Time(DAY_US), Time(2 * DAY_US)));
    }
}
