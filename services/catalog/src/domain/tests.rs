use std::collections::BTreeMap;

use contracts::{VariantId, WarehouseId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn place(n: u128) -> WarehouseId {
    WarehouseId(Uuid::from_u128(n))
}

fn variant(n: u128) -> VariantId {
    VariantId(Uuid::from_u128(n))
}

#[test]
fn stock_is_taken_from_one_place_where_that_is_enough() {
    type Taken = Option<&'static [(u128, i64)]>;
    let cases: [(&[i64], i64, Taken); 6] = [
        (&[5, 9], 5, Some(&[(0, 5)])),
        (&[4, 9], 5, Some(&[(1, 5)])),
        (&[4, 3], 5, Some(&[(0, 4), (1, 1)])),
        (&[3, 4], 5, Some(&[(1, 4), (0, 1)])),
        (&[0, 4], 5, None),
        (&[], 1, None),
    ];
    for (free, quantity, expected) in cases {
        let free: Vec<_> = free.iter().enumerate().map(|(i, n)| (place(i as u128), *n)).collect();
        let expected = expected.map(|e| e.iter().map(|(p, n)| (place(*p), *n)).collect::<Vec<_>>());
        assert_eq!(take(&free, quantity), expected, "{free:?} {quantity}");
    }
}

/// What may happen to a reservation of 3 of variant 1 and 2 of variant 2.
#[derive(Clone, Copy, Debug)]
enum Step {
    Commit,
    Expire,
    Release,
    ReleaseSome(u128),
    Ship(u128),
    Restock(u128, u128, i64),
}

/// Does a step; `Err` where it is refused. Committing is a change of state alone.
fn does(reservation: &mut Reservation, step: Step) -> Result<Vec<Change>, Refused> {
    match step {
        Step::Commit if reservation.state == State::Held => {
            reservation.state = State::Committed;
            Ok(Vec::new())
        }
        Step::Commit => Ok(Vec::new()),
        Step::Expire => Ok(reservation.expire()),
        Step::Release => Ok(reservation.release()),
        Step::ReleaseSome(v) => Ok(reservation.release_some(&[variant(v)])),
        Step::Ship(v) => reservation.ship(&[variant(v)]),
        Step::Restock(id, v, n) => reservation.restock(Uuid::from_u128(id), &[(variant(v), n)]),
    }
}

#[test]
fn every_order_of_steps_ends_where_it_should() {
    use Step::{Commit, Expire, Release, ReleaseSome, Restock, Ship};
    // (steps, on hand and reserved that they add to variant 1, and to variant 2, refused steps)
    type Case = (&'static [Step], (i64, i64), (i64, i64), usize);
    let cases: [Case; 14] = [
        (&[], (0, 0), (0, 0), 0),
        (&[Commit, Ship(1)], (-3, -3), (0, 0), 0),
        (&[Commit, Ship(1), Ship(1), Ship(2)], (-3, -3), (-2, -2), 0),
        (&[Ship(1)], (0, 0), (0, 0), 1),
        (&[Ship(1), Commit, Ship(1)], (-3, -3), (0, 0), 1),
        (&[Release, Release, Commit, Ship(1)], (0, -3), (0, -2), 1),
        (&[Commit, Ship(1), Release], (-3, -3), (0, -2), 0),
        (&[Commit, ReleaseSome(1), ReleaseSome(1), Ship(1), Ship(2)], (0, -3), (-2, -2), 0),
        (&[Commit, Ship(1), ReleaseSome(1), Release], (-3, -3), (0, -2), 0),
        (&[Expire, Expire, Ship(1), Release], (0, -3), (0, -2), 1),
        (&[Commit, Expire, Ship(2)], (0, 0), (-2, -2), 0),
        (&[Commit, Ship(1), Restock(9, 1, 2), Restock(9, 1, 2), Restock(8, 1, 1)], (0, -3), (0, 0), 0),
        (&[Commit, Ship(1), Restock(9, 1, 4), Restock(9, 2, 1), Restock(7, 5, 1)], (-3, -3), (0, 0), 2),
        (&[Commit, Ship(1), Release, Restock(9, 1, 3)], (0, -3), (0, -2), 0),
    ];
    for (steps, one, two, refused) in cases {
        let mut reservation = Reservation::new(State::Held, vec![Part::new(variant(1), place(1), 3), Part::new(variant(2), place(2), 2)]);
        let (mut added, mut refusals) = (BTreeMap::from([(variant(1), (0, 0)), (variant(2), (0, 0))]), 0);
        for step in steps {
            match does(&mut reservation, *step) {
                Ok(changes) => changes.iter().for_each(|c| {
                    let sum = added.entry(c.variant_id).or_default();
                    *sum = (sum.0 + c.on_hand, sum.1 + c.reserved);
                }),
                Err(_) => refusals += 1,
            }
        }
        assert_eq!((added[&variant(1)], added[&variant(2)], refusals), (one, two, refused), "{steps:?}");
    }
}

/// Something that happens to a warehouse full of stock and to four orders.
#[derive(Clone, Copy, Debug)]
enum Event {
    Reserve(usize, u128, i64),
    Step(usize, Step),
    Adjust(u128, u128, i64),
}

fn steps() -> impl Strategy<Value = Step> {
    let any_variant = 0..2u128;
    prop_oneof![
        2 => Just(Step::Commit),
        1 => Just(Step::Expire),
        1 => Just(Step::Release),
        1 => any_variant.clone().prop_map(Step::ReleaseSome),
        3 => any_variant.clone().prop_map(Step::Ship),
        2 => (0..3u128, any_variant, 1..4i64).prop_map(|(id, v, n)| Step::Restock(id, v, n)),
    ]
}

fn happenings() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (0..4usize, 0..2u128, 1..7i64).prop_map(|(r, v, n)| Event::Reserve(r, v, n)),
        5 => (0..4usize, steps()).prop_map(|(r, s)| Event::Step(r, s)),
        1 => (0..2u128, 0..2u128, -4..5i64).prop_map(|(v, w, n)| Event::Adjust(v, w, n)),
    ]
}

/// What there is of each variant in each place, and how it came to be so.
#[derive(Default)]
struct House {
    on_hand: BTreeMap<(VariantId, WarehouseId), i64>,
    reserved: BTreeMap<(VariantId, WarehouseId), i64>,
    orders: BTreeMap<usize, Reservation>,
    /// Received, adjusted, shipped and restocked, over all.
    moved: [i64; 4],
}

impl House {
    fn free(&self, variant: VariantId) -> Vec<(WarehouseId, i64)> {
        let of_variant = self.on_hand.iter().filter(|((v, _), _)| *v == variant);
        of_variant.map(|(key, n)| (key.1, n - self.reserved.get(key).unwrap_or(&0))).collect()
    }

    fn apply(&mut self, changes: &[Change]) {
        for c in changes {
            let key = (c.variant_id, c.warehouse_id);
            *self.on_hand.entry(key).or_default() += c.on_hand;
            *self.reserved.entry(key).or_default() += c.reserved;
            self.moved[if c.on_hand < 0 { 2 } else { 3 }] += c.on_hand.abs();
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Reserve(r, v, n) => {
                let again = self.orders.get(&r).is_none_or(|o| o.state == State::Expired && o.parts.iter().all(|p| p.shipped == 0));
                let Some(taken) = take(&self.free(variant(v)), n).filter(|_| again) else { return };
                let parts: Vec<_> = taken.iter().map(|(w, n)| Part::new(variant(v), *w, *n)).collect();
                for part in &parts {
                    *self.reserved.entry((part.variant_id, part.warehouse_id)).or_default() += part.quantity;
                }
                self.orders.insert(r, Reservation::new(State::Held, parts));
            }
            Event::Step(r, step) => {
                let Some(order) = self.orders.get_mut(&r) else { return };
                let changes = does(order, step).unwrap_or_default();
                let after = order.clone();
                let again = does(order, step).unwrap_or_default();
                assert!(again.is_empty() && *order == after, "{step:?} twice");
                self.apply(&changes);
            }
            Event::Adjust(v, w, n) => {
                let key = (variant(v), place(w));
                if self.on_hand[&key] + n >= *self.reserved.get(&key).unwrap_or(&0) {
                    *self.on_hand.entry(key).or_default() += n;
                    self.moved[1] += n;
                }
            }
        }
    }

    /// Never more reserved than on hand; what is reserved is what live orders hold; nothing appears or goes.
    fn is_whole(&self) -> bool {
        let held = self.orders.values().filter(|o| o.is_live()).flat_map(Reservation::lines).map(|(_, n)| n).sum::<i64>();
        let [received, adjusted, shipped, restocked] = self.moved;
        self.on_hand.iter().all(|(key, n)| (0..=*n).contains(self.reserved.get(key).unwrap_or(&0)))
            && self.reserved.values().sum::<i64>() == held
            && self.on_hand.values().sum::<i64>() == received - shipped + restocked + adjusted
    }
}

proptest! {
    #[test]
    fn stock_is_conserved_whatever_happens_in_whatever_order(events in prop::collection::vec(happenings(), 0..60)) {
        let mut house = House::default();
        for (v, w, n) in [(0, 0, 5), (0, 1, 4), (1, 0, 6), (1, 1, 0)] {
            house.on_hand.insert((variant(v), place(w)), n);
            house.moved[0] += n;
        }
        for event in events {
            house.happens(event);
            prop_assert!(house.is_whole(), "{event:?} leaves {:?} of {:?} for {:?}", house.reserved, house.on_hand, house.orders);
        }
    }
}
