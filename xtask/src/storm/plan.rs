//! When the server dies next.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// The points of `kit::crash`, each with the visits after which it is struck at the latest. Rare ones are struck early.
pub const POINTS: &[(&str, u64)] = &[
    ("db.before_commit", 300),
    ("db.after_commit", 300),
    ("saga.before_call", 40),
    ("saga.after_call", 40),
    ("reader.before_commit", 60),
    ("job.after_run", 3),
    ("payments.after_provider", 20),
    ("payments.after_webhook", 20),
    ("sandbox.after_charge", 20),
    ("notifications.after_provider", 20),
    ("gateway.before_answer", 300),
];

/// Every point is to be struck so often.
pub const HITS_MIN: u64 = 10;

/// One death.
#[derive(Clone, Debug, PartialEq)]
pub enum Death {
    /// By itself, the n-th time it comes to the point.
    At { point: &'static str, visits: u64 },
    /// `kill -9` after so many milliseconds.
    After { ms: u64 },
}

/// Draws deaths from a seed and counts them.
pub struct Plan {
    random: StdRng,
    hits: BTreeMap<&'static str, u64>,
    misses: BTreeMap<&'static str, u64>,
    kills: u64,
}

impl Plan {
    pub fn new(seed: u64) -> Plan {
        Plan { random: StdRng::seed_from_u64(seed), hits: BTreeMap::new(), misses: BTreeMap::new(), kills: 0 }
    }

    /// The next one: every fifth at random, otherwise at one of the points that were struck least.
    pub fn next(&mut self) -> Death {
        if self.random.random_range(0..5) == 0 {
            return Death::After { ms: self.random.random_range(50..1500) };
        }
        let tries = |point: &str| self.hits(point) + self.misses.get(point).copied().unwrap_or(0);
        let fewest = POINTS.iter().map(|(point, _)| tries(point)).min().unwrap_or(0);
        let least: Vec<_> = POINTS.iter().filter(|(point, _)| tries(point) == fewest).collect();
        let (point, latest) = least.choose(&mut self.random).copied().expect("the list of points is not empty");
        Death::At { point, visits: self.random.random_range(1..=*latest) }
    }

    /// The server died at the point by itself.
    pub fn hit(&mut self, point: &'static str) {
        *self.hits.entry(point).or_default() += 1;
    }

    /// The server did not come to the point and had to be killed.
    pub fn missed(&mut self, point: &'static str) {
        *self.misses.entry(point).or_default() += 1;
        self.kills += 1;
    }

    /// The server was killed.
    pub fn killed(&mut self) {
        self.kills += 1;
    }

    /// How often a point was struck.
    pub fn hits(&self, point: &str) -> u64 {
        self.hits.get(point).copied().unwrap_or(0)
    }

    /// Deaths by `kill -9`.
    pub fn kills(&self) -> u64 {
        self.kills
    }

    /// All deaths.
    pub fn deaths(&self) -> u64 {
        self.kills + self.hits.values().sum::<u64>()
    }

    /// Points that were struck too seldom, for a storm of this many seconds.
    pub fn too_seldom(&self, seconds: u64) -> Vec<String> {
        // Ten in five minutes; a shorter storm promises less.
        let expected = (HITS_MIN * seconds / 300).min(HITS_MIN);
        let few = POINTS.iter().filter(|(point, _)| self.hits(point) < expected);
        few.map(|(point, _)| format!("point {point} was struck {} times, should be {expected}", self.hits(point))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_struck_often_enough_and_killing_at_random_happens() {
        let mut plan = Plan::new(1);
        for _ in 0..150 {
            match plan.next() {
                Death::At { point, visits } => {
                    assert!(visits > 0);
                    plan.hit(point);
                }
                Death::After { ms } => {
                    assert!(ms >= 50);
                    plan.killed();
                }
            }
        }
        assert!(plan.too_seldom(300).is_empty(), "{:?}", plan.too_seldom(300));
        assert!(plan.kills() >= 10 && plan.deaths() == 150);
    }

    #[test]
    fn a_point_that_is_never_reached_is_named_and_does_not_hold_up_the_others() {
        let mut plan = Plan::new(2);
        for _ in 0..200 {
            match plan.next() {
                Death::At { point: "saga.after_call", .. } => plan.missed("saga.after_call"),
                Death::At { point, .. } => plan.hit(point),
                Death::After { .. } => plan.killed(),
            }
        }
        assert_eq!(plan.too_seldom(300), ["point saga.after_call was struck 0 times, should be 10"]);
        assert!(plan.too_seldom(20).is_empty());
    }

    #[test]
    fn a_seed_gives_the_same_storm() {
        let draw = |seed| {
            let mut plan = Plan::new(seed);
            (0..20).map(|_| plan.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }
}
