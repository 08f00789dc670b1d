//! What can be wrong with the methods of a store.

use std::ops::RangeInclusive;

use kit::problem::FieldError;

use super::{Method, Rate};

/// Methods of a store.
const METHODS_MAX: usize = 20;
/// Rates of a method.
const RATES_MAX: usize = 200;
/// Countries, cities or postal prefixes of a zone.
const PLACES_MAX: usize = 200;
/// Any price, in minor units.
const PRICE_MAX: i64 = 1_000_000_000_000;
/// Any weight, in grams.
const GRAMS_MAX: i64 = 1_000_000_000_000;
/// What parts of orders are called that nobody carries.
const RESERVED: &str = "none";

/// Everything that is wrong with the methods of a store.
pub(crate) fn mistakes(methods: &[Method]) -> Vec<FieldError> {
    let mut found = Found(Vec::new());
    found.unless(methods.len() <= METHODS_MAX, "/methods", "length", format!("expected at most {METHODS_MAX} methods"));
    for (at, method) in methods.iter().enumerate().take(METHODS_MAX) {
        let place = format!("/methods/{at}");
        let is_new = methods[..at].iter().all(|other| other.code != method.code);
        found.unless(is_code(&method.code), format!("{place}/code"), "format", "expected 1 to 40 of a-z, 0-9, - and _, and not none");
        found.unless(is_new, format!("{place}/code"), "repeated", "another method has this code");
        found.unless(is_line(&method.name, 1..=80), format!("{place}/name"), "length", "expected 1 to 80 characters in one line");
        found.unless(
            (1..=RATES_MAX).contains(&method.rates.len()),
            format!("{place}/rates"),
            "length",
            format!("expected 1 to {RATES_MAX} rates"),
        );
        for (n, rate) in method.rates.iter().enumerate().take(RATES_MAX) {
            found.rate(&format!("{place}/rates/{n}"), rate);
            let same = method.rates[..n].iter().position(|other| is_for_the_same(other, rate));
            found.unless(
                same.is_none(),
                format!("{place}/rates/{n}"),
                "repeated",
                "another rate is for the same zone, weight and currency",
            );
        }
    }
    found.0
}

struct Found(Vec<FieldError>);

impl Found {
    fn unless(&mut self, fine: bool, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        if !fine {
            self.0.push(FieldError { pointer: pointer.into(), code, detail: detail.into() });
        }
    }

    fn rate(&mut self, place: &str, rate: &Rate) {
        let amounts = [("/price", Some(rate.price)), ("/perKilogram", rate.per_kilogram), ("/freeFrom", rate.free_from)];
        for (field, money) in amounts {
            let fine = money.is_none_or(|m| (0..=PRICE_MAX).contains(&m.amount));
            self.unless(fine, format!("{place}{field}"), "range", format!("expected 0 to {PRICE_MAX} minor units"));
        }
        for (field, currency) in rate.currencies() {
            let fine = currency == rate.price.currency;
            self.unless(fine, format!("{place}{field}"), "mixed_currency", format!("expected {}, as the price", rate.price.currency));
        }
        let fine = rate.max_grams.is_none_or(|g| (1..=GRAMS_MAX).contains(&g));
        self.unless(fine, format!("{place}/maxGrams"), "range", format!("expected 1 to {GRAMS_MAX}"));
        let fine = (0..=GRAMS_MAX).contains(&rate.included_grams);
        self.unless(fine, format!("{place}/includedGrams"), "range", format!("expected 0 to {GRAMS_MAX}"));
        self.zone(&format!("{place}/zone"), rate);
    }

    fn zone(&mut self, place: &str, rate: &Rate) {
        let zone = &rate.zone;
        let names_country = !zone.countries.is_empty() || (zone.cities.is_empty() && zone.postal_prefixes.is_empty());
        self.unless(names_country, format!("{place}/countries"), "required", "cities and postal codes are of a country");
        self.each(&format!("{place}/countries"), &zone.countries, is_country, "expected an ISO 3166-1 alpha-2 code such as BD");
        self.each(&format!("{place}/cities"), &zone.cities, |t| is_line(t, 1..=100), "expected 1 to 100 characters in one line");
        self.each(&format!("{place}/postalPrefixes"), &zone.postal_prefixes, is_prefix, "expected the beginning of a postal code");
    }

    fn each(&mut self, place: &str, list: &[String], is_fine: impl Fn(&str) -> bool, expected: &str) {
        self.unless(list.len() <= PLACES_MAX, place, "length", format!("expected at most {PLACES_MAX}"));
        for (at, text) in list.iter().enumerate().take(PLACES_MAX) {
            self.unless(is_fine(text), format!("{place}/{at}"), "format", expected);
        }
    }
}

fn is_for_the_same(a: &Rate, b: &Rate) -> bool {
    a.price.currency == b.price.currency && a.max_grams == b.max_grams && a.zone.key() == b.zone.key()
}

fn is_code(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    (1..=40).contains(&text.len()) && text.bytes().all(fits) && text != RESERVED
}

fn is_line(text: &str, length: RangeInclusive<usize>) -> bool {
    length.contains(&text.trim().chars().count()) && !text.chars().any(char::is_control)
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

fn is_prefix(text: &str) -> bool {
    let plain = super::plain_code(text);
    (1..=12).contains(&plain.chars().count()) && text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'))
}
