use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn bdt(amount: i64) -> Money {
    Money::new(amount, Currency::BDT)
}

fn rate(price: i64) -> Rate {
    flat("x", "X", bdt(price)).rates.remove(0)
}

fn zone(countries: &[&str], cities: &[&str], prefixes: &[&str]) -> Zone {
    let own = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect();
    Zone { countries: own(countries), cities: own(cities), postal_prefixes: own(prefixes) }
}

fn within(zone: Zone, price: i64) -> Rate {
    Rate { zone, ..rate(price) }
}

fn to(country: &str, city: &str, postal_code: &str) -> Destination {
    Destination { country: country.into(), city: city.into(), postal_code: postal_code.into() }
}

/// What the only method of these rates costs.
fn price(rates: Vec<Rate>, worth: i64, grams: i64, to: &Destination) -> Option<i64> {
    let method = Method { code: "standard".into(), name: "Standard".into(), rates };
    let found = offers(VendorId(Uuid::nil()), &[method], Parcel { worth: bdt(worth), grams }, to);
    found.first().map(|o| o.price.amount)
}

#[test]
fn prices_follow_weight_and_worth() {
    let by_weight = Rate { per_kilogram: Some(bdt(20)), included_grams: 1_000, ..rate(60) };
    let free = Rate { free_from: Some(bdt(5_000)), ..by_weight.clone() };
    let bands = vec![Rate { max_grams: Some(500), ..rate(40) }, Rate { max_grams: Some(2_000), ..rate(70) }];
    let (heavy, odd) =
        (Rate { per_kilogram: Some(bdt(i64::MAX)), ..rate(1) }, Rate { price: Money::new(1, "USD".parse().unwrap()), ..rate(1) });
    let cases = [
        (vec![rate(60)], 0, 0, Some(60)),
        (vec![rate(60)], i64::MAX, i64::MAX, Some(60)),
        (vec![by_weight.clone()], 1, 0, Some(60)),
        (vec![by_weight.clone()], 1, 1_000, Some(60)),
        (vec![by_weight.clone()], 1, 1_001, Some(80)),
        (vec![by_weight.clone()], 1, 2_000, Some(80)),
        (vec![by_weight], 1, 2_001, Some(100)),
        (vec![free.clone()], 4_999, 9_000, Some(220)),
        (vec![free], 5_000, 9_000, Some(0)),
        (bands.clone(), 1, 500, Some(40)),
        (bands.clone(), 1, 501, Some(70)),
        (bands.clone(), 1, 2_001, None),
        ([bands, vec![rate(90)]].concat(), 1, 2_001, Some(90)),
        (vec![rate(60), rate(50)], 1, 1, Some(50)),
        (vec![heavy], 1, 2_000, None),
        (vec![odd], 1, 1, None),
    ];
    for (rates, worth, grams, expected) in cases {
        assert_eq!(price(rates.clone(), worth, grams, &to("BD", "Dhaka", "1207")), expected, "{worth} of {grams} g by {rates:?}");
    }
}

#[test]
fn the_most_particular_zone_counts() {
    let rates = vec![
        rate(500),
        within(zone(&["BD", "IN"], &[], &[]), 120),
        within(zone(&["BD"], &["Dhaka", "Gazipur"], &[]), 60),
        within(zone(&["BD"], &[], &["12"]), 50),
        within(zone(&["BD"], &["Savar"], &["1207", "13-40"]), 40),
    ];
    let cases = [
        (to("US", "Dhaka", "1207"), 500),
        (to("IN", "Kolkata", "700001"), 120),
        (to("BD", "Sylhet", "3100"), 120),
        (to("BD", " dhaka ", "1000"), 60),
        (to("BD", "Dhaka", "1216"), 50),
        (to("BD", "Dhaka", "1207"), 40),
        (to("BD", "Dhaka", "12 07"), 40),
        (to("BD", "Savar", ""), 40),
        (to("BD", "Elsewhere", "1340"), 40),
        (to("BD", "", ""), 120),
        (to("", "", ""), 500),
    ];
    for (place, expected) in &cases {
        let backwards: Vec<Rate> = rates.iter().rev().cloned().collect();
        assert_eq!(price(rates.clone(), 1, 1, place), Some(*expected), "{place:?}");
        assert_eq!(price(backwards, 1, 1, place), Some(*expected), "{place:?}");
    }
    assert_eq!(price(rates[1..].to_vec(), 1, 1, &to("US", "", "")), None, "nobody ships there");
}

#[test]
fn mistakes_are_named_where_they_are() {
    let usd = Money::new(1, "USD".parse().unwrap());
    let method = |code: &str, rates: Vec<Rate>| Method { code: code.into(), name: "Standard".into(), rates };
    assert_eq!(
        mistakes(&[method("standard", vec![rate(0), within(zone(&["BD"], &["Dhaka"], &["1"]), 1)]), method("pick-up", vec![rate(1)])]),
        []
    );
    assert_eq!(mistakes(&[]), []);
    let wrong = [
        method("None!", vec![]),
        method("none", vec![rate(-1)]),
        Method { name: " ".into(), ..method("a", vec![Rate { free_from: Some(usd), per_kilogram: Some(bdt(-1)), ..rate(1) }]) },
        method("a", vec![Rate { max_grams: Some(0), included_grams: -1, ..rate(1) }]),
        method("b", vec![within(zone(&[], &["\u{7}"], &["#"]), 1), within(zone(&["bd"], &[], &[]), 1)]),
        method("c", vec![within(zone(&["BD"], &["Dhaka", "Savar"], &[]), 1), within(zone(&["BD"], &["savar", "DHAKA"], &[]), 2)]),
    ];
    let found: Vec<_> = mistakes(&wrong).into_iter().map(|e| (e.pointer, e.code)).collect();
    let expected = [
        ("/methods/0/code", "format"),
        ("/methods/0/rates", "length"),
        ("/methods/1/code", "format"),
        ("/methods/1/rates/0/price", "range"),
        ("/methods/2/name", "length"),
        ("/methods/2/rates/0/perKilogram", "range"),
        ("/methods/2/rates/0/freeFrom", "mixed_currency"),
        ("/methods/3/code", "repeated"),
        ("/methods/3/rates/0/maxGrams", "range"),
        ("/methods/3/rates/0/includedGrams", "range"),
        ("/methods/4/rates/0/zone/countries", "required"),
        ("/methods/4/rates/0/zone/cities/0", "format"),
        ("/methods/4/rates/0/zone/postalPrefixes/0", "format"),
        ("/methods/4/rates/1/zone/countries/0", "format"),
        ("/methods/5/rates/1", "repeated"),
    ];
    assert_eq!(found, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    let codes = mistakes(&vec![method("a", vec![rate(1)]); 21]);
    assert_eq!(codes[0].pointer, "/methods");
}

fn any_rate() -> impl Strategy<Value = Rate> {
    let place = prop_oneof![
        Just(Zone::default()),
        Just(zone(&["BD"], &[], &[])),
        Just(zone(&["BD"], &["Dhaka"], &[])),
        Just(zone(&["BD"], &["Sylhet"], &["12"])),
        Just(zone(&["IN"], &[], &["7"])),
    ];
    let more = (prop::option::of(1..5_000i64), prop::option::of(0..500i64), 0..3_000i64, prop::option::of(0..10_000i64));
    (place, 0..1_000i64, more).prop_map(|(zone, price, (max_grams, per_kilogram, included_grams, free_from))| Rate {
        price: bdt(price),
        zone,
        max_grams,
        per_kilogram: per_kilogram.map(bdt),
        included_grams,
        free_from: free_from.map(bdt),
    })
}

proptest! {
    #[test]
    fn the_order_of_rates_does_not_matter_and_a_price_is_one_of_a_rate(
        rates in prop::collection::vec(any_rate(), 0..8), worth in 0..10_000i64, grams in 0..6_000i64, place in 0..3usize,
    ) {
        let to = [to("BD", "Dhaka", "1207"), to("IN", "Kolkata", "700001"), to("US", "", "")][place].clone();
        let found = price(rates.clone(), worth, grams, &to);
        prop_assert_eq!(found, price(rates.iter().rev().cloned().collect(), worth, grams, &to));
        let parcel = Parcel { worth: bdt(worth), grams };
        let plain = to.plain();
        let fits = |r: &Rate| r.zone.rank(&plain).is_some() && r.takes(parcel);
        let possible: Vec<_> = rates.iter().filter(|r| fits(r)).filter_map(|r| r.price_of(parcel)).map(|m| m.amount).collect();
        prop_assert_eq!(found.is_some(), !possible.is_empty());
        prop_assert!(found.is_none_or(|p| possible.contains(&p) && p >= 0));
    }

    #[test]
    fn more_weight_never_costs_less_and_more_worth_never_costs_more(one in any_rate(), worth in 0..10_000i64, grams in 0..6_000i64, more in 0..6_000i64) {
        let price = |worth, grams| one.price_of(Parcel { worth: bdt(worth), grams }).unwrap().amount;
        prop_assert!(price(worth, grams + more) >= price(worth, grams));
        prop_assert!(price(worth + more, grams) <= price(worth, grams));
    }

    #[test]
    fn no_input_breaks_a_price(amount: i64, per: i64, included: i64, worth: i64, grams: i64, code in ".*", city in ".*") {
        let one = Rate { per_kilogram: Some(bdt(per)), included_grams: included, ..rate(amount) };
        let zoned = within(zone(&["BD"], &[&city], &[&code]), 1);
        let _ = price(vec![one, zoned], worth, grams, &to("BD", &city, &code));
    }
}
