//! How long things take: leases and pauses.

use contracts::Time;
use uuid::Uuid;

use super::definition::Limits;

/// How long a claimed saga is left alone by others, at least.
const LEASE_MS: i64 = 30_000;
/// By how much a lease outlives the longest call it covers.
const LEASE_MARGIN_MS: i64 = 10_000;
/// The first pause after an unknown outcome.
const PAUSE_FIRST_MS: i64 = 100;
/// The longest.
const PAUSE_MAX_MS: i64 = 30_000;

/// Until when a step that is tried at `from` belongs to whoever tries it.
pub(super) fn lease_until(from: Time, limits: &Limits) -> Time {
    let timeout = i64::try_from(limits.timeout.as_millis()).unwrap_or(LEASE_MS);
    from.plus_millis(LEASE_MS.max(timeout.saturating_add(LEASE_MARGIN_MS)))
}

/// The pause after the try number `attempts`: doubled each time, and half of it up to chance, so that those who
/// failed together do not come back together. `drawn` is a new id, whose last 62 bits are random.
pub(crate) fn pause_ms(attempts: i64, drawn: Uuid) -> i64 {
    let doublings = attempts.clamp(1, 16) - 1;
    let longest = (PAUSE_FIRST_MS << doublings).min(PAUSE_MAX_MS);
    let chance = i64::from((drawn.as_u128() & 0xffff) as u16);
    longest / 2 + (longest / 2) * chance / 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_differ() {
        let (low, high) = (Uuid::from_u128(0), Uuid::from_u128(0xffff));
        let cases =
            [(0, 50, 100), (1, 50, 100), (2, 100, 200), (4, 400, 800), (9, 12_800, 25_600), (10, 15_000, 30_000), (200, 15_000, 30_000)];
        for (attempts, shortest, longest) in cases {
            assert_eq!((pause_ms(attempts, low), pause_ms(attempts, high)), (shortest, longest), "attempt {attempts}");
        }
    }
}
