//! Positions of a log on PostgreSQL: a sequence, so they become visible out of order and some never do.
//!
//! A reader that took whatever is visible after its position would jump over a transaction that drew an earlier
//! position and commits later. So it delivers the contiguous run, and passes a missing position only when no
//! transaction that could still fill it is running: a publishing transaction has its transaction id before it draws
//! a position; hence once a later position is visible, whoever drew the missing one has an id below any that is
//! drawn from then on. The reader draws such an id, `x`, and when the oldest running transaction of a snapshot
//! (`xmin`) is above `x`, what that snapshot does not show will never be there. (`xmin >= xmax` would be true while
//! the writer still runs; a lock for commit order would cost two thirds of the rate.)

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{DbError, Query};

/// The oldest running transaction of the statement's snapshot, as a column.
pub(crate) const XMIN: &str = "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)";
const DRAW: &str = "SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)";
/// Observations kept per log. The oldest go first: later ones cover the same positions.
const KNOWN_MAX: usize = 32;

/// What is known of missing positions, by service.
#[derive(Default)]
pub(crate) struct Gaps(Mutex<BTreeMap<&'static str, Vec<Observation>>>);

/// When `x` was drawn, `position` was visible: all below it had been drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Observation {
    position: i64,
    x: i64,
}

/// How far a reader may go.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    /// So many of the positions can be delivered.
    deliver: usize,
    /// A transaction id must be drawn, with the last position as what was visible.
    observe: bool,
}

/// How many of `positions`, ascending and seen in one snapshot with `xmin`, can be delivered to a reader that
/// stands at `after`.
pub(crate) fn safe_run(q: &mut Query, gaps: &Gaps, after: i64, positions: &[i64], xmin: i64) -> Result<usize, DbError> {
    let service = q.service();
    let run = gaps.run(service, after, positions, xmin);
    if let (true, Some(last)) = (run.observe, positions.last()) {
        let drawn = q.row(DRAW, &[])?.ok_or_else(|| DbError::Internal("no transaction id".into()))?;
        gaps.observe(service, Observation { position: *last, x: drawn.get(0)? });
    }
    Ok(run.deliver)
}

impl Gaps {
    fn run(&self, service: &'static str, after: i64, positions: &[i64], xmin: i64) -> Run {
        let mut all = self.lock();
        let known = all.entry(service).or_default();
        let settled = known.iter().filter(|o| o.x < xmin).map(|o| o.position).max().unwrap_or(i64::MIN);
        let mut expected = after + 1;
        for (i, position) in positions.iter().enumerate() {
            if *position != expected && *position > settled {
                let watched = known.iter().any(|o| o.position >= *position);
                return Run { deliver: i, observe: !watched };
            }
            expected = position + 1;
        }
        Run { deliver: positions.len(), observe: false }
    }

    fn observe(&self, service: &'static str, seen: Observation) {
        let mut all = self.lock();
        let known = all.entry(service).or_default();
        known.push(seen);
        if known.len() > KNOWN_MAX {
            known.remove(0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Vec<Observation>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_passed_only_when_nobody_can_fill_it() {
        let gaps = Gaps::default();
        let run = |after, positions: &[i64], xmin| {
            let run = gaps.run("orders", after, positions, xmin);
            (run.deliver, run.observe)
        };
        assert_eq!(run(0, &[1, 2, 3], 10), (3, false), "contiguous");
        assert_eq!(run(3, &[4, 6, 7], 10), (1, true), "5 is missing: watch it");
        gaps.observe("orders", Observation { position: 7, x: 20 });
        assert_eq!(run(3, &[4, 6, 7, 9], 20), (1, false), "x itself may be running; watched already");
        assert_eq!(run(3, &[4, 6, 7, 9], 21), (3, true), "5 will never come; 8 is a new gap");
        assert_eq!(run(4, &[5, 6, 7], 12), (3, false), "it came: nothing is missing");
        gaps.observe("orders", Observation { position: 9, x: 30 });
        assert_eq!(run(7, &[9], 25), (0, false));
        assert_eq!(run(7, &[9], 31), (1, false));
        assert_eq!(gaps.run("payments", 7, &[9], 31), Run { deliver: 0, observe: true }, "another log");
    }
}
