use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn line(n: u128, quantity: i64, price: i64) -> Line {
    Line {
        id: CartItemId(Uuid::from_u128(n)),
        variant_id: VariantId(Uuid::from_u128(n)),
        quantity,
        seen_price: Money::new(price, Currency::BDT),
    }
}

fn fact(n: u128, price: i64, available: Option<i64>, buyable: bool) -> Fact {
    Fact {
        variant_id: VariantId(Uuid::from_u128(n)),
        product_id: ProductId(Uuid::from_u128(n)),
        vendor_id: VendorId(Uuid::from_u128(n)),
        title: "x".into(),
        price: Money::new(price, Currency::BDT),
        available,
        buyable,
    }
}

#[test]
fn lines_are_priced_by_what_the_catalog_says_now() {
    let id = Owner::Guest("a".into()).cart_id();
    let lines = [line(1, 2, 100), line(2, 3, 50), line(3, 1, 10), line(4, 1, 7)];
    let facts = [fact(1, 100, Some(2), true), fact(2, 60, Some(1), true), fact(3, 10, None, false)];
    let cart = price(id, &lines, &facts, Currency::BDT);
    assert_eq!(cart.totals.subtotal, Money::new(2 * 100 + 3 * 60, Currency::BDT));
    let warned: Vec<_> = cart.warnings.iter().map(|w| (w.code, w.item_id.0.as_u128(), w.available)).collect();
    assert_eq!(
        warned,
        [("insufficient_stock", 2, Some(1)), ("price_changed", 2, Some(1)), ("unavailable", 3, Some(0)), ("unavailable", 4, Some(0))]
    );
}

#[test]
fn every_owner_has_a_cart_of_their_own() {
    let user = |n| Owner::User(contracts::UserId(Uuid::from_u128(n))).cart_id();
    assert_eq!(user(1), user(1));
    assert_ne!(user(1), user(2));
    assert_ne!(Owner::Guest("x".into()).cart_id(), Owner::Guest("y".into()).cart_id());
    let [x, y] = ["01a204772e1b-x", "01a204772e1b-y"].map(|hash| Owner::Guest(hash.into()).cart_id());
    assert_ne!(x, y);
    assert!([x, y].iter().all(|id| id.to_string().starts_with("01a20477-2e1b-")), "they begin with their guest's moment: {x}, {y}");
}

/// Variant, quantity and price of each line.
type Lines = &'static [(u128, i64, i64)];

fn lines(of: Lines, base: u128) -> Vec<Line> {
    of.iter().map(|(n, quantity, price)| Line { id: CartItemId(Uuid::from_u128(base + n)), ..line(*n, *quantity, *price) }).collect()
}

#[test]
fn merging_sums_what_is_in_both_and_takes_over_the_rest() {
    // (own, guest, what more goes in)
    let cases: &[(Lines, Lines, Lines)] = &[
        (&[], &[], &[]),
        (&[(1, 2, 10)], &[], &[]),
        (&[], &[(1, 2, 10)], &[(1, 2, 10)]),
        (&[(1, 1, 10)], &[(2, 3, 10)], &[(2, 3, 10)]),
        (&[(1, 1, 10)], &[(1, 2, 10)], &[(1, 2, 10)]),
        (&[(1, 1, 10)], &[(1, 2, 12), (2, 1, 5)], &[(1, 2, 12), (2, 1, 5)]),
        (&[(1, 998, 10)], &[(1, 5, 10)], &[(1, 1, 10)]),
        (&[(1, 999, 10)], &[(1, 999, 10)], &[]),
        (&[(1, 999, 10), (2, 1, 1)], &[(1, 1, 10), (2, 1, 1), (3, 999, 1)], &[(2, 1, 1), (3, 999, 1)]),
    ];
    for (own, guest, more) in cases {
        let (own, guest) = (lines(own, 100), lines(guest, 200));
        let merged = merge(&own, &guest);
        let found: Vec<_> = merged.more.iter().map(|(v, quantity, price)| (v.0.as_u128(), *quantity, price.amount)).collect();
        assert_eq!((found.as_slice(), merged.taken.len()), (*more, guest.len()), "{own:?} and {guest:?}");
    }
}

#[test]
fn what_does_not_fit_stays_with_the_guest() {
    let usd = |n| Line { seen_price: Money::new(1, "USD".parse().unwrap()), ..line(n, 1, 1) };
    let full: Vec<Line> = (0..100).map(|n| line(n, 1, 1)).collect();
    let taken = |own: &[Line], guest: &[Line]| merge(own, guest).taken.iter().map(|id| id.0.as_u128()).collect::<Vec<_>>();
    assert_eq!(taken(&full, &[line(7, 1, 1), line(100, 1, 1)]), [7]);
    assert_eq!(taken(&full[1..], &[line(100, 1, 1), line(101, 1, 1), line(1, 1, 1)]), [100, 1]);
    assert_eq!(taken(&[line(1, 1, 1)], &[usd(1), usd(2), line(2, 1, 1)]), [2]);
    assert_eq!(taken(&[], &[usd(1), usd(2)]), [1, 2]);
}

proptest! {
    #[test]
    fn a_merged_cart_is_within_its_limits_and_nothing_is_lost(
        own in prop::collection::btree_map(0..120u128, 1..=999i64, 0..=100), guest in prop::collection::btree_map(0..120u128, 1..=999i64, 0..=100),
    ) {
        let cart = |of: &BTreeMap<u128, i64>| of.iter().map(|(n, quantity)| line(*n, *quantity, 1)).collect::<Vec<_>>();
        let merged = merge(&cart(&own), &cart(&guest));
        let mut after = own.clone();
        merged.more.iter().for_each(|(v, more, _)| *after.entry(v.0.as_u128()).or_default() += more);
        prop_assert!(after.len() <= LINES_MAX && after.values().all(|n| (1..=QUANTITY_MAX).contains(n)));
        for (n, quantity) in &guest {
            let expected = (own.get(n).unwrap_or(&0) + quantity).min(QUANTITY_MAX);
            let is_taken = merged.taken.contains(&CartItemId(Uuid::from_u128(*n)));
            prop_assert_eq!(after.get(n), if is_taken { Some(&expected) } else { None });
        }
    }
}
