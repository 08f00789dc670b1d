//! The hours in which somebody is not to be disturbed, by the clock where they live.

use contracts::Time;
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

/// From one time of day to another, perhaps over midnight.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QuietHours {
    start: civil::Time,
    end: civil::Time,
    zone: TimeZone,
}

/// What is wrong with quiet hours: which member, and what was expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrongHours {
    /// start, end or timeZone.
    pub member: &'static str,
    /// What was expected and what was found.
    pub detail: String,
}

impl QuietHours {
    /// From `HH:MM` to `HH:MM` in a zone of the IANA time zone database.
    pub fn new(start: &str, end: &str, time_zone: &str) -> Result<QuietHours, WrongHours> {
        let (start, end) = (time_of_day("start", start)?, time_of_day("end", end)?);
        if start == end {
            return Err(WrongHours { member: "end", detail: "expected another time than the start, found the same".into() });
        }
        let unknown = || WrongHours { member: "timeZone", detail: "expected a name such as Asia/Dhaka".into() };
        let zone = TimeZone::get(time_zone).ok().filter(|zone| zone.iana_name().is_some()).ok_or_else(unknown)?;
        Ok(QuietHours { start, end, zone })
    }

    /// When they begin, as `HH:MM`.
    pub fn start(&self) -> String {
        shown(self.start)
    }

    /// When they end, as `HH:MM`.
    pub fn end(&self) -> String {
        shown(self.end)
    }

    /// The zone's name.
    pub fn time_zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// When the quiet hours that `now` lies in end; `None` outside of them. An end that the clock skips in spring is the
    /// moment of the skip or soon after it; one that comes twice in autumn is the next of the two.
    pub fn end_after(&self, now: Time) -> Option<Time> {
        let local = Timestamp::from_microsecond(now.0).ok()?.to_zoned(self.zone.clone());
        let (time, date) = (local.time(), local.date());
        let over_midnight = self.end < self.start;
        let (since_start, before_end) = (time >= self.start, time < self.end);
        let date = match (over_midnight, since_start, before_end) {
            (false, true, true) | (true, false, true) => date,
            (true, true, _) => date.tomorrow().ok()?,
            _ => return None,
        };
        let ends = self.zone.to_ambiguous_zoned(date.to_datetime(self.end));
        let ends = ends.clone().compatible().ok().filter(|e| e.timestamp() > local.timestamp()).or_else(|| ends.later().ok())?;
        Some(Time(ends.timestamp().as_microsecond()))
    }
}

fn time_of_day(member: &'static str, text: &str) -> Result<civil::Time, WrongHours> {
    let wrong = || WrongHours { member, detail: "expected a time of day such as 22:30".into() };
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let number = |digits: &str| {
        let two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        two.then(|| digits.parse().ok()).flatten().ok_or_else(wrong)
    };
    civil::Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| wrong())
}

fn shown(time: civil::Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Time {
        Time(text.parse::<Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn they_end_by_the_clock_of_the_place() {
        let cases = [
            // Dhaka is six hours ahead, without summer time.
            ("22:00", "07:00", "Asia/Dhaka", "2026-03-01T15:59:59Z", None),
            ("22:00", "07:00", "Asia/Dhaka", "2026-03-01T16:00:00Z", Some("2026-03-02T01:00:00Z")),
            ("22:00", "07:00", "Asia/Dhaka", "2026-03-02T00:59:59Z", Some("2026-03-02T01:00:00Z")),
            ("22:00", "07:00", "Asia/Dhaka", "2026-03-02T01:00:00Z", None),
            ("13:00", "15:00", "Asia/Dhaka", "2026-03-02T08:30:00Z", Some("2026-03-02T09:00:00Z")),
            ("13:00", "15:00", "Asia/Dhaka", "2026-03-02T09:00:00Z", None),
            ("00:00", "06:00", "UTC", "2026-12-31T23:59:59Z", None),
            ("23:00", "00:00", "UTC", "2026-12-31T23:59:59Z", Some("2027-01-01T00:00:00Z")),
            // In Berlin the night of 29 March 2026 has no 02:30, that of 25 October has two.
            ("22:00", "02:30", "Europe/Berlin", "2026-03-29T00:30:00Z", Some("2026-03-29T01:30:00Z")),
            ("22:00", "02:30", "Europe/Berlin", "2026-10-25T00:00:00Z", Some("2026-10-25T00:30:00Z")),
            ("22:00", "02:30", "Europe/Berlin", "2026-10-25T01:15:00Z", Some("2026-10-25T01:30:00Z")),
        ];
        for (start, end, zone, now, expected) in cases {
            let hours = QuietHours::new(start, end, zone).unwrap();
            assert_eq!(hours.end_after(at(now)), expected.map(at), "{start} to {end} in {zone} at {now}");
            assert_eq!((hours.start().as_str(), hours.end().as_str(), hours.time_zone()), (start, end, zone));
        }
    }

    #[test]
    fn mistakes_name_the_member() {
        let cases = [
            ("7:00", "08:00", "Asia/Dhaka", "start"),
            ("07:00", "24:00", "Asia/Dhaka", "end"),
            ("07:00", "08:60", "Asia/Dhaka", "end"),
            ("07:00", "+8:00", "Asia/Dhaka", "end"),
            ("", "08:00", "Asia/Dhaka", "start"),
            ("07:00", "07:00", "Asia/Dhaka", "end"),
            ("07:00", "08:00", "Asia/Atlantis", "timeZone"),
            ("07:00", "08:00", "", "timeZone"),
            ("07:00", "08:00", "../etc/passwd", "timeZone"),
            ("07:00", "08:00", "\0", "timeZone"),
        ];
        for (start, end, zone, expected) in cases {
            assert_eq!(QuietHours::new(start, end, zone).unwrap_err().member, expected, "{start:?} {end:?} {zone:?}");
        }
    }

    proptest! {
        #[test]
        fn they_end_later_than_now_and_within_a_day(
            start in 0_u32..1_440, length in 1_u32..1_440, seconds in 0_i64..4_000_000_000,
            zone in prop::sample::select(vec!["Asia/Dhaka", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]),
        ) {
            let text = |minute: u32| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
            let hours = QuietHours::new(&text(start), &text(start + length), zone).unwrap();
            let now = Time(seconds * 1_000_000);
            if let Some(end) = hours.end_after(now) {
                prop_assert!(end > now);
                // Apia once skipped a whole day.
                prop_assert!(end <= now.plus_seconds(49 * 3_600), "{end:?} after {now:?}");
            }
        }
    }
}
