use std::collections::BTreeMap;

use contracts::{CategoryId, Currency, Money, ProductId, VariantId, VendorId};
use proptest::prelude::*;
use uuid::Uuid;

use super::tax::TaxRate;
use super::*;

fn item(store: u128, kind: &str, price: i64, quantity: i64) -> Item {
    Item {
        variant_id: VariantId(Uuid::from_u128(store * 1_000 + 1)),
        product_id: ProductId(Uuid::from_u128(store * 1_000 + 2)),
        vendor_id: VendorId(Uuid::from_u128(store)),
        sku: "N1".into(),
        title: "Nakshi kantha".into(),
        kind: kind.into(),
        categories: Vec::new(),
        weight_grams: 100,
        quantity,
        unit_price: Money::new(price, Currency::BDT),
        commission_basis_points: 1_000,
    }
}

fn at(included: bool, basis_points: u16) -> Tax {
    Tax { basis_points, included, ..Tax::default() }
}

fn store(n: u128) -> VendorId {
    VendorId(Uuid::from_u128(n))
}

/// What every store of these tests offers.
fn offers() -> Vec<Offer> {
    let offer = |n, method: &str, price| Offer {
        vendor_id: store(n),
        method: method.into(),
        name: method.to_uppercase(),
        price: Money::new(price, Currency::BDT),
    };
    (1..8).flat_map(|n| [offer(n, "pick-up", 500), offer(n, "standard", 6_000), offer(n, "express", 12_000)]).collect()
}

fn priced(tax: Tax, items: &[Item], shipping: &Shipping) -> Result<Priced, Unpriced> {
    priced_at(&offers(), &tax, items, shipping)
}

fn priced_at(offers: &[Offer], tax: &Tax, items: &[Item], shipping: &Shipping) -> Result<Priced, Unpriced> {
    let mut next = 0;
    price(Terms { tax, country: Some("BD"), offers }, items, shipping, || {
        next += 1;
        Uuid::from_u128(next)
    })
}

#[test]
fn totals_by_table() {
    let two_stores = [item(1, "physical", 129_900, 2), item(2, "digital", 50_000, 1), item(1, "physical", 1, 1)];
    // (included, rate, subtotal, shipping, tax, total)
    let cases = [
        (true, 0, 309_801, 6_000, 0, 315_801),
        (false, 0, 309_801, 6_000, 0, 315_801),
        // 259800·15/115 = 33886.96, 50000·15/115 = 6521.74, 1·15/115 = 0.13, 6000·15/115 = 782.61
        (true, 1_500, 309_801, 6_000, 33_887 + 6_522 + 783, 315_801),
        // 38970, 7500, 0.15, 900
        (false, 1_500, 309_801, 6_000, 38_970 + 7_500 + 900, 315_801 + 47_370),
    ];
    for (included, rate, subtotal, shipping, tax, total) in cases {
        let t = priced(at(included, rate), &two_stores, &Shipping::default()).unwrap().totals;
        let found = (t.tax_included, t.subtotal.amount, t.shipping.amount, t.tax.amount, t.total.amount);
        assert_eq!(found, (included, subtotal, shipping, tax, total), "included {included}, rate {rate}");
    }
}

#[test]
fn only_stores_that_ship_something_are_paid_for_shipping() {
    let items = [item(1, "course", 1_000, 1), item(2, "physical", 1_000, 1), item(1, "digital", 1_000, 1)];
    let p = priced(Tax::default(), &items, &Shipping::default()).unwrap();
    let shipping: Vec<_> = p.parts.iter().map(|p| (p.shipping_method.as_str(), p.totals.shipping.amount)).collect();
    assert_eq!(shipping, [("none", 0), ("standard", 6_000)]);
    assert_eq!(items.map(|i| i.grams()), [None, Some(100), None], "what is not carried weighs nothing");
    assert_eq!(Item { weight_grams: i64::MAX, ..item(1, "physical", 1, 999) }.grams(), Some(i64::MAX));
}

#[test]
fn what_a_store_ships_and_what_it_does_not_are_two_parts() {
    let items = [item(1, "course", 1_000, 1), item(2, "physical", 500, 1), item(1, "physical", 2_000, 2), item(1, "digital", 300, 1)];
    let p = priced(Tax::default(), &items, &Shipping::default()).unwrap();
    let seen: Vec<_> = p.parts.iter().map(|p| (p.vendor_id.0.as_u128(), p.lines.len(), p.totals.total.amount)).collect();
    assert_eq!(seen, [(1, 2, 1_300), (2, 1, 6_500), (1, 1, 10_000)]);
    assert_eq!(p.totals.total.amount, 1_300 + 6_500 + 10_000);
    let shares = shares(&p.parts).unwrap();
    assert_eq!(shares.iter().map(|s| s.amount).sum::<i64>(), p.totals.total.amount);
}

#[test]
fn methods_are_chosen_for_all_stores_or_one_by_one() {
    let items = [item(1, "physical", 1_000, 1), item(2, "physical", 1_000, 1), item(3, "digital", 1_000, 1)];
    let without_standard: Vec<Offer> = offers().into_iter().filter(|o| o.vendor_id != store(2) || o.method != "standard").collect();
    let named = |n, method: &str| [(store(n), method.to_owned())].into();
    let unknown = |n, method: &str, offered: &[&str], named| {
        let offered = offered.iter().map(|o| (*o).to_owned()).collect();
        Err(NotShipped::UnknownMethod { method: method.into(), vendor_id: store(n), offered, named })
    };
    let all = ["pick-up", "standard", "express"];
    let cases = [
        (offers(), None, BTreeMap::new(), Ok([6_000, 6_000, 0])),
        (offers(), Some("express"), BTreeMap::new(), Ok([12_000, 12_000, 0])),
        (offers(), Some("standard"), named(2, "express"), Ok([6_000, 12_000, 0])),
        (offers(), None, named(1, "express"), Ok([12_000, 6_000, 0])),
        (offers(), None, named(3, "rocket"), Ok([6_000, 6_000, 0])),
        (offers(), Some("rocket"), BTreeMap::new(), unknown(1, "rocket", &all, false)),
        (offers(), Some("standard"), named(2, "rocket"), unknown(2, "rocket", &all, true)),
        (offers(), None, named(4, "standard"), Err(NotShipped::NotOfThisOrder(store(4)))),
        (without_standard.clone(), None, BTreeMap::new(), Ok([6_000, 500, 0])),
        (without_standard.clone(), Some("standard"), BTreeMap::new(), unknown(2, "standard", &["pick-up", "express"], false)),
        (offers()[..3].to_vec(), None, BTreeMap::new(), Err(NotShipped::Nowhere(store(2)))),
        (Vec::new(), Some("standard"), BTreeMap::new(), Err(NotShipped::Nowhere(store(1)))),
    ];
    for (offers, method, by_vendor, expected) in cases {
        let shipping = Shipping { method: method.map(str::to_owned), by_vendor };
        let found = priced_at(&offers, &Tax::default(), &items, &shipping);
        let found = found.map(|p| [0, 1, 2].map(|n| p.parts[n].totals.shipping.amount));
        assert_eq!(found, expected.map_err(Unpriced::Shipping), "{shipping:?}");
    }
}

#[test]
fn what_cannot_be_priced_says_why() {
    let usd: Currency = "USD".parse().unwrap();
    let foreign = |mut i: Item| {
        i.unit_price.currency = usd;
        i
    };
    let cases = [
        (vec![], Unpriced::Empty),
        (vec![item(1, "physical", 1, 1), foreign(item(1, "digital", 1, 1))], Unpriced::MixedCurrency(Currency::BDT, usd)),
        (vec![item(1, "digital", i64::MAX, 2)], Unpriced::TooLarge),
        (vec![item(1, "digital", i64::MAX, 1), item(2, "digital", i64::MAX, 1)], Unpriced::TooLarge),
        (vec![item(1, "physical", i64::MAX, 1)], Unpriced::TooLarge),
    ];
    for (items, why) in cases {
        assert_eq!(priced(Tax::default(), &items, &Shipping::default()), Err(why));
    }
}

fn category(n: u128) -> CategoryId {
    CategoryId(Uuid::from_u128(n))
}

fn tax_rate(country: Option<&str>, category_id: Option<u128>, basis_points: u16) -> TaxRate {
    TaxRate { country: country.map(str::to_owned), category_id: category_id.map(category), basis_points }
}

#[test]
fn the_most_particular_rate_of_tax_counts() {
    let rates = [
        tax_rate(Some("BD"), None, 1_500),
        tax_rate(Some("IN"), None, 1_800),
        tax_rate(None, Some(1), 500),
        tax_rate(None, Some(2), 700),
        tax_rate(Some("BD"), Some(1), 0),
        tax_rate(Some("BD"), Some(3), 10_000),
    ];
    let cases: &[(Option<&str>, &[u128], i64)] = &[
        (Some("US"), &[], 1_000),
        (Some("BD"), &[], 1_500),
        (Some("IN"), &[9], 1_800),
        (Some("US"), &[1], 500),
        (Some("US"), &[2, 1], 500),
        (Some("BD"), &[1], 0),
        (Some("BD"), &[2], 700),
        (Some("BD"), &[1, 2], 0),
        (Some("BD"), &[3, 2], 10_000),
        (None, &[], 1_800),
        (None, &[1], 500),
    ];
    for included in [true, false] {
        for rates in [rates.to_vec(), rates.iter().rev().cloned().collect()] {
            let tax = Tax { basis_points: 1_000, included, country: Some("IN".into()), rates };
            for (country, categories, expected) in cases {
                let categories: Vec<_> = categories.iter().map(|n| category(*n)).collect();
                assert_eq!(tax.rate(*country, &categories).basis_points, *expected, "{country:?} {categories:?}");
            }
        }
    }
}

#[test]
fn a_line_keeps_the_rate_of_its_category_and_shipping_has_that_of_the_country() {
    let book = Item { categories: vec![category(1)], ..item(1, "physical", 10_500, 2) };
    for (included, book_tax, other_tax, shipping_tax, total) in [(true, 1_000, 1_304, 783, 37_000), (false, 1_050, 1_500, 900, 40_450)] {
        let tax = Tax { included, rates: vec![tax_rate(None, Some(1), 500)], ..Tax::default() };
        let p = priced(tax, &[book.clone(), item(1, "digital", 10_000, 1)], &Shipping::default()).unwrap();
        // What is delivered at once is a part of its own, which nobody carries.
        let lines: Vec<_> = p.parts.iter().flat_map(|p| &p.lines).map(|l| (l.tax_basis_points, l.tax.amount)).collect();
        assert_eq!(lines, [(Some(500), book_tax), (Some(1_500), other_tax)], "included: {included}");
        assert_eq!((p.parts[0].shipping_tax.amount, p.totals.tax.amount), (shipping_tax, book_tax + other_tax + shipping_tax));
        assert_eq!(p.totals.total.amount, total);
    }
}

#[test]
fn what_is_wrong_with_taxes_is_said() {
    let with =
        |basis_points, country: &str, rates: Vec<TaxRate>| Tax { basis_points, country: Some(country.into()), rates, ..Tax::default() };
    assert_eq!(with(10_000, "BD", vec![tax_rate(None, Some(1), 0), tax_rate(Some("BD"), Some(1), 0)]).mistake(), None);
    let cases = [
        (with(10_001, "BD", vec![]), "basis_points"),
        (with(0, "bd", vec![]), "country"),
        (with(0, "BD", vec![tax_rate(None, None, 10_001)]), "basis_points"),
        (with(0, "BD", vec![tax_rate(Some("Mars"), None, 1)]), "country"),
        (with(0, "BD", vec![tax_rate(None, Some(1), 1), tax_rate(None, Some(1), 2)]), "rates"),
    ];
    for (tax, begins) in cases {
        assert!(tax.mistake().is_some_and(|m| m.starts_with(begins)), "{tax:?}");
    }
}

#[test]
fn shares_of_a_single_line_by_hand() {
    // 115.00 with 15 % inside is 100.00 net; 10 % commission of that is 10.00; 60.00 shipping holds 7.83 of tax.
    let p = priced(Tax::default(), &[item(7, "physical", 11_500, 1)], &Shipping::default()).unwrap();
    let found: Vec<_> = shares(&p.parts).unwrap().into_iter().map(|s| (s.account, s.amount)).collect();
    let vendor = Uuid::from_u128(7);
    let expected = [
        (format!("vendor_payable:{vendor}"), 9_000),
        ("commission".into(), 1_000),
        ("tax_payable".into(), 1_500 + 783),
        (format!("shipping_payable:{vendor}"), 6_000 - 783),
    ];
    assert_eq!(found, expected);
}

fn any_item() -> impl Strategy<Value = Item> {
    let filed = prop::collection::vec((0..4u128).prop_map(category), 0..3);
    (1..5u128, prop_oneof!["physical", "digital", "course"], 0..50_000_000i64, 1..999i64, 0..=10_000i64, filed).prop_map(
        |(store, kind, price, quantity, commission_basis_points, categories)| Item {
            commission_basis_points,
            categories,
            ..item(store, &kind, price, quantity)
        },
    )
}

/// Of the country, of a category and of both.
fn any_tax() -> impl Strategy<Value = Tax> {
    (any::<bool>(), 0..=10_000u16, 0..=10_000u16, 0..=10_000u16, 0..=10_000u16).prop_map(|(included, basis_points, a, b, c)| Tax {
        rates: vec![tax_rate(Some("BD"), None, a), tax_rate(None, Some(1), b), tax_rate(Some("BD"), Some(2), c)],
        ..at(included, basis_points)
    })
}

proptest! {
    #[test]
    fn parts_sum_to_the_order_and_shares_to_its_total(
        items in prop::collection::vec(any_item(), 1..12), tax in any_tax(),
    ) {
        let included = tax.included;
        let p = priced(tax, &items, &Shipping::default()).unwrap();
        let sum = |field: fn(&Totals) -> Money| p.parts.iter().map(|p| field(&p.totals).amount).sum::<i64>();
        let t = &p.totals;
        prop_assert_eq!(sum(|t| t.subtotal), t.subtotal.amount);
        prop_assert_eq!(sum(|t| t.discount), t.discount.amount);
        prop_assert_eq!(sum(|t| t.shipping), t.shipping.amount);
        prop_assert_eq!(sum(|t| t.tax), t.tax.amount);
        prop_assert_eq!(sum(|t| t.total), t.total.amount);
        let on_top = if included { 0 } else { t.tax.amount };
        prop_assert_eq!(t.subtotal.amount - t.discount.amount + t.shipping.amount + on_top, t.total.amount);
        for part in &p.parts {
            let lines: i64 = part.lines.iter().map(|l| l.tax.amount).sum();
            prop_assert_eq!(lines + part.shipping_tax.amount, part.totals.tax.amount);
            prop_assert_eq!(part.totals.tax_included, included);
            let on_top = if included { 0 } else { part.totals.tax.amount };
            prop_assert_eq!(part.totals.subtotal.amount + part.totals.shipping.amount + on_top, part.totals.total.amount);
        }
        let goods: i64 = items.iter().map(|i| i.unit_price.amount * i.quantity).sum();
        prop_assert_eq!(goods, t.subtotal.amount);

        let shares = shares(&p.parts).unwrap();
        prop_assert_eq!(shares.iter().map(|s| s.amount).sum::<i64>(), t.total.amount);
        prop_assert!(shares.iter().all(|s| s.amount > 0), "no account of a sale is charged: {:?}", shares);
    }
}
