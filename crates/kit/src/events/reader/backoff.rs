//! Growing pauses with jitter.

use crate::Ids;

const FIRST_MS: i64 = 20;
/// No pause is longer, in milliseconds: five minutes.
const LONGEST_MS: i64 = 300_000;

/// Whom an outage kept away is back so soon after its end, in milliseconds.
const OUTAGE_LONGEST_MS: i64 = 5_000;

/// The pause after the step of an outage with this number, in milliseconds: as [`pause_ms`], but never long.
pub(super) fn outage_pause_ms(steps: i64, ids: &Ids) -> i64 {
    pause_ms(steps, ids).min(OUTAGE_LONGEST_MS)
}

/// The pause after `attempts` failures, in milliseconds: doubles, and half of it is random so that what failed
/// together does not come back together.
pub(in crate::events) fn pause_ms(attempts: i64, ids: &Ids) -> i64 {
    let doublings = u32::try_from(attempts.clamp(1, 20) - 1).unwrap_or(0);
    let whole = (FIRST_MS << doublings).min(LONGEST_MS);
    let half = whole / 2;
    half + i64::try_from(ids.bits() % (half.unsigned_abs() + 1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes_and_are_spread() {
        let ids = Ids::seeded(1);
        for (attempts, whole) in [(1, 20), (2, 40), (5, 320), (14, 163_840), (15, 300_000), (i64::MAX, 300_000), (0, 20)] {
            let pauses = (0..50).map(|_| pause_ms(attempts, &ids)).collect::<Vec<_>>();
            assert!(pauses.iter().all(|p| (whole / 2..=whole).contains(p)), "{attempts}: {pauses:?}");
            assert!(pauses.iter().any(|p| *p != pauses[0]), "{attempts}: no jitter");
        }
    }
}
