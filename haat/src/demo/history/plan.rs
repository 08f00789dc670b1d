//! What happens on each day of the demo's past. Drawn from the day and the order's number alone, so that the same days
//! come out at every start, and a start that was cut off can go on.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Parts of a day, as hours of UTC: noon, the evening and the night of Dhaka.
pub const SLOTS: [i64; 3] = [6, 11, 15];

/// How many shoppers have accounts, besides the one that is named in the welcome.
pub const MEMBERS: u64 = 24;

/// A moment of the past: a day from its first one, and a part of that day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    pub day: u32,
    pub slot: usize,
}

impl Moment {
    /// Some parts of a day later.
    fn later(self, slots: usize) -> Moment {
        let all = self.slot + slots;
        Moment { day: self.day + (all / SLOTS.len()) as u32, slot: all % SLOTS.len() }
    }
}

/// Who orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buyer {
    /// The shopper of the welcome.
    Shopper,
    /// One of the others with an account, from 0.
    Member(u64),
    /// Somebody without one.
    Guest,
}

/// What a payer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paying {
    /// Approves.
    Approves,
    /// Declines.
    Declines,
    /// Never comes back.
    Forgets,
    /// Calls the order off before paying.
    CallsOff,
}

/// What happens to an order later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its stores pack it.
    Packed,
    /// Its stores hand it to a carrier.
    Shipped,
    /// It arrives. Cash is collected, all of it unless a share is said, in percent.
    Delivered { collected: u8 },
    /// Nobody takes it at the door.
    Refused,
    /// The shopper calls it off.
    CalledOff,
    /// The shopper wants to send a piece of the first part back.
    AskedBack,
    /// The store agrees.
    Agreed,
    /// The store does not agree.
    Disagreed,
    /// The store has it back.
    Received,
    /// The store gives some of the price back, in percent.
    Refunded { percent: u8 },
    /// What was short at the door is collected after all.
    CollectedLate,
    /// What was short at the door is given up.
    WrittenOff,
}

/// An order to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name, and the key of its request.
    pub key: String,
    /// When it is placed.
    pub at: Moment,
    /// By whom.
    pub buyer: Buyer,
    /// What is bought: a number that chooses a product, and how many pieces.
    pub lines: Vec<(u64, i64)>,
    /// Whether it is paid at the door, where that can be.
    pub cash: bool,
    /// What the payer does.
    pub paying: Paying,
    /// What happens after it.
    pub events: Vec<(Moment, Event)>,
}

/// The orders of a part of a day. `days` lie behind the demo in all: the last ones are the busiest.
pub fn orders(day: u32, slot: usize) -> Vec<Plan> {
    let mut dice = Dice::of(u64::from(day) * 8 + slot as u64);
    (0..busy(day, slot, &mut dice)).map(|n| plan(Moment { day, slot }, n, &mut dice)).collect()
}

/// How many orders come: more in the evening, more at the end of a week, twice as many at a festival.
fn busy(day: u32, slot: usize, dice: &mut Dice) -> u64 {
    let usual = [1, 3, 1][slot % SLOTS.len()] + dice.below(2);
    let weekend = u64::from(day % 7 >= 5);
    let festival = if (24..28).contains(&day) { 2 } else { 1 };
    (usual + weekend) * festival
}

fn plan(at: Moment, n: u64, dice: &mut Dice) -> Plan {
    let buyer = match dice.below(100) {
        0..9 => Buyer::Shopper,
        9..75 => Buyer::Member(dice.below(MEMBERS)),
        _ => Buyer::Guest,
    };
    let count = [1, 1, 1, 2, 2, 3][dice.below(6) as usize];
    // Few products sell most: the square of a number below 1 is seldom large.
    let product = |dice: &mut Dice| dice.below(1_000) * dice.below(1_000);
    let lines = (0..count).map(|_| (product(dice), [1, 1, 1, 2, 2, 3][dice.below(6) as usize])).collect();
    let cash = dice.below(100) < 24;
    let paying = match dice.below(100) {
        0..4 => Paying::Declines,
        4..7 => Paying::Forgets,
        7..9 => Paying::CallsOff,
        _ => Paying::Approves,
    };
    let events = if cash || paying == Paying::Approves { afterwards(at, cash, dice) } else { Vec::new() };
    Plan { key: format!("demo-{}-{}-{n}", at.day, at.slot), at, buyer, lines, cash, paying, events }
}

fn afterwards(at: Moment, cash: bool, dice: &mut Dice) -> Vec<(Moment, Event)> {
    let packed = at.later(1 + dice.below(3) as usize);
    if dice.below(100) < 5 {
        return vec![(packed, Event::CalledOff)];
    }
    let shipped = packed.later(1 + dice.below(4) as usize);
    let there = shipped.later(3 + dice.below(9) as usize);
    let mut events = vec![(packed, Event::Packed), (shipped, Event::Shipped)];
    let roll = dice.below(100);
    match (cash, roll) {
        (true, 0..8) => events.push((there, Event::Refused)),
        (true, 8..20) => {
            events.push((there, Event::Delivered { collected: 60 + dice.below(30) as u8 }));
            let end = if roll < 14 { Event::CollectedLate } else { Event::WrittenOff };
            events.push((there.later(6 + dice.below(8) as usize), end));
        }
        _ => {
            events.push((there, Event::Delivered { collected: 100 }));
            events.extend(after_delivery(there, roll, dice));
        }
    }
    events
}

/// Most is kept; some comes back, for some the store gives a little money back.
fn after_delivery(there: Moment, roll: u64, dice: &mut Dice) -> Vec<(Moment, Event)> {
    let asked = there.later(3 + dice.below(10) as usize);
    let answered = asked.later(1 + dice.below(6) as usize);
    match roll {
        20..30 => {
            let back = answered.later(6 + dice.below(8) as usize);
            vec![(asked, Event::AskedBack), (answered, Event::Agreed), (back, Event::Received)]
        }
        30..33 => vec![(asked, Event::AskedBack), (answered, Event::Disagreed)],
        33..38 => vec![(asked, Event::Refunded { percent: 10 + dice.below(40) as u8 })],
        _ => Vec::new(),
    }
}

/// Numbers without a visible pattern, the same for the same seed.
struct Dice(ChaCha12Rng);

impl Dice {
    fn of(seed: u64) -> Dice {
        Dice(ChaCha12Rng::seed_from_u64(seed))
    }

    /// 0 to `sides` − 1.
    fn below(&mut self, sides: u64) -> u64 {
        self.0.next_u64() % sides
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(days: u32) -> Vec<Plan> {
        (0..days).flat_map(|day| (0..SLOTS.len()).flat_map(move |slot| orders(day, slot))).collect()
    }

    #[test]
    fn sixty_days_are_the_same_every_time_and_have_everything_in_them() {
        let plans = all(60);
        assert_eq!(plans, all(60));
        assert!((350..700).contains(&plans.len()), "{}", plans.len());
        let keys: std::collections::BTreeSet<_> = plans.iter().map(|p| &p.key).collect();
        assert_eq!(keys.len(), plans.len());
        let happens = |wanted: fn(&Event) -> bool| plans.iter().flat_map(|p| &p.events).filter(|(_, e)| wanted(e)).count();
        for (what, count) in [
            ("refused", happens(|e| *e == Event::Refused)),
            ("short", happens(|e| matches!(e, Event::Delivered { collected: 1..100 }))),
            ("late", happens(|e| *e == Event::CollectedLate)),
            ("given up", happens(|e| *e == Event::WrittenOff)),
            ("called off", happens(|e| *e == Event::CalledOff)),
            ("received", happens(|e| *e == Event::Received)),
            ("disagreed", happens(|e| *e == Event::Disagreed)),
            ("refunded", happens(|e| matches!(e, Event::Refunded { .. }))),
            ("declined", plans.iter().filter(|p| p.paying == Paying::Declines).count()),
            ("forgotten", plans.iter().filter(|p| p.paying == Paying::Forgets).count()),
        ] {
            assert!(count >= 3, "{what}: {count}");
        }
    }

    #[test]
    fn what_happens_to_an_order_happens_in_its_order() {
        for plan in all(60) {
            let times: Vec<_> = [plan.at].into_iter().chain(plan.events.iter().map(|(at, _)| *at)).collect();
            assert!(times.is_sorted(), "{plan:?}");
        }
    }

    #[test]
    fn some_days_are_busier() {
        let on = |day: u32| (0..SLOTS.len()).map(|slot| orders(day, slot).len()).sum::<usize>();
        assert!(on(26) > on(1) && on(12) >= 8, "{} {} {}", on(26), on(1), on(12));
    }
}
