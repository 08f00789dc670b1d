//! What the marketplace keeps of a sale.

use contracts::{CategoryId, Currency, VendorId};
use kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The largest rate: all of it.
const BASIS_POINTS_MAX: i64 = 10_000;
/// Rules at once.
pub(crate) const RULES_MAX: usize = 1_000;

/// A rate for some sales. What is left out does not narrow it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Of this store only.
    #[serde(default)]
    pub vendor_id: Option<VendorId>,
    /// Of goods in this category only.
    #[serde(default)]
    pub category_id: Option<CategoryId>,
    /// Of lines in this currency only; needed where there is an amount.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// Of lines that come to at least this, in minor units.
    #[serde(default)]
    pub min_amount: Option<i64>,
    /// Of lines that come to less than this, in minor units.
    #[serde(default)]
    pub max_amount: Option<i64>,
    /// The rate, in basis points (1/100 of a percent).
    pub basis_points: i64,
}

/// A line of an order whose rate is asked for.
#[derive(Clone, Debug)]
pub struct Line {
    /// The store that sells.
    pub vendor: VendorId,
    /// The categories of the goods.
    pub categories: Vec<CategoryId>,
    /// What the line comes to.
    pub amount: i64,
    /// In which currency.
    pub currency: Currency,
}

impl Rule {
    fn fits(&self, line: &Line) -> bool {
        self.vendor_id.is_none_or(|v| v == line.vendor)
            && self.category_id.is_none_or(|c| line.categories.contains(&c))
            && self.currency.is_none_or(|c| c == line.currency)
            && self.min_amount.is_none_or(|least| line.amount >= least)
            && self.max_amount.is_none_or(|end| line.amount < end)
    }

    /// A store's own rule goes before one of a category, and that before one of an amount or a currency.
    fn weight(&self) -> u8 {
        let has_band = self.min_amount.is_some() || self.max_amount.is_some();
        [self.vendor_id.is_some(), self.category_id.is_some(), has_band, self.currency.is_some()]
            .into_iter()
            .fold(0, |weight, has| weight << 1 | u8::from(has))
    }

    /// Whether a line could fit both, as far as their own words go.
    fn overlaps(&self, other: &Rule) -> bool {
        let same = (self.vendor_id, self.category_id, self.currency) == (other.vendor_id, other.category_id, other.currency);
        let before = |end: Option<i64>, begin: Option<i64>| end.is_none_or(|end| begin.is_none_or(|begin| begin < end));
        same && self.weight() == other.weight() && before(self.max_amount, other.min_amount) && before(other.max_amount, self.min_amount)
    }
}

/// The rate of a line: of the most particular rule that fits, and of equally particular ones (goods may be in several
/// categories) the lowest; `otherwise` where none fits.
pub(crate) fn rate(rules: &[Rule], line: &Line, otherwise: i64) -> i64 {
    let fitting = rules.iter().filter(|rule| rule.fits(line));
    let best = fitting.min_by_key(|rule| (std::cmp::Reverse(rule.weight()), rule.basis_points));
    best.map_or(otherwise, |rule| rule.basis_points)
}

/// Everything that is wrong with a set of rules.
pub(crate) fn mistakes(rules: &[Rule]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut wrong = |at: usize, field: &str, code, detail: String| {
        errors.push(FieldError { pointer: format!("/rules/{at}{field}"), code, detail });
    };
    for (at, rule) in rules.iter().enumerate() {
        if !(0..=BASIS_POINTS_MAX).contains(&rule.basis_points) {
            wrong(at, "/basisPoints", "range", format!("expected 0 to {BASIS_POINTS_MAX}, found {}", rule.basis_points));
        }
        for (field, amount) in [("/minAmount", rule.min_amount), ("/maxAmount", rule.max_amount)] {
            if amount.is_some_and(|a| a < 0) {
                wrong(at, field, "range", "an amount is not negative".into());
            }
            if amount.is_some() && rule.currency.is_none() {
                wrong(at, field, "currency_missing", "an amount needs a currency".into());
            }
        }
        if let (Some(least), Some(end)) = (rule.min_amount, rule.max_amount)
            && least >= end
        {
            wrong(at, "/maxAmount", "range", format!("expected more than minAmount, {least}, found {end}"));
        }
        if let Some(other) = rules[..at].iter().position(|other| other.overlaps(rule)) {
            wrong(at, "", "overlaps", format!("it is for the same lines as /rules/{other}"));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn vendor(n: u128) -> VendorId {
        VendorId(Uuid::from_u128(n))
    }

    fn category(n: u128) -> CategoryId {
        CategoryId(Uuid::from_u128(n))
    }

    fn bdt() -> Currency {
        "BDT".parse().unwrap()
    }

    fn rule(vendor_id: Option<u128>, category_id: Option<u128>, band: Option<(i64, i64)>, basis_points: i64) -> Rule {
        Rule {
            vendor_id: vendor_id.map(vendor),
            category_id: category_id.map(category),
            currency: band.map(|_| bdt()),
            min_amount: band.map(|b| b.0),
            max_amount: band.map(|b| b.1),
            basis_points,
        }
    }

    #[test]
    fn the_most_particular_rule_counts() {
        let rules = [
            rule(None, None, None, 900),
            rule(None, Some(1), None, 800),
            rule(None, Some(2), None, 700),
            rule(Some(7), None, None, 600),
            rule(Some(7), Some(1), None, 500),
            rule(None, None, Some((10_000, 20_000)), 400),
        ];
        let cases: &[(u128, &[u128], i64, i64)] = &[
            (1, &[], 100, 900),
            (1, &[], 10_000, 400),
            (1, &[], 19_999, 400),
            (1, &[], 20_000, 900),
            (1, &[1], 10_000, 800),
            (1, &[1, 2], 100, 700),
            (7, &[], 10_000, 600),
            (7, &[2], 100, 600),
            (7, &[2, 1], 100, 500),
        ];
        for (store, categories, amount, expected) in cases {
            let line = Line {
                vendor: vendor(*store),
                categories: categories.iter().map(|c| category(*c)).collect(),
                amount: *amount,
                currency: bdt(),
            };
            assert_eq!(rate(&rules, &line, 1_000), *expected, "{line:?}");
        }
        let line = Line { vendor: vendor(1), categories: Vec::new(), amount: 1, currency: "USD".parse().unwrap() };
        assert_eq!(rate(&rules[5..], &line, 1_000), 1_000, "no rule is for it");
    }

    #[test]
    fn mistakes_are_named_where_they_are() {
        let rules = [
            rule(None, None, None, 10_001),
            rule(None, None, None, 1),
            Rule { currency: None, ..rule(None, None, Some((-1, 5)), 1) },
            rule(Some(1), None, Some((5, 5)), 1),
            rule(Some(2), None, Some((0, 10)), 1),
            rule(Some(2), None, Some((9, 20)), 1),
            rule(Some(2), None, Some((20, 30)), 1),
        ];
        let found: Vec<_> = mistakes(&rules).into_iter().map(|e| (e.pointer, e.code)).collect();
        let expected = [
            ("/rules/0/basisPoints", "range"),
            ("/rules/1", "overlaps"),
            ("/rules/2/minAmount", "range"),
            ("/rules/2/minAmount", "currency_missing"),
            ("/rules/2/maxAmount", "currency_missing"),
            ("/rules/3/maxAmount", "range"),
            ("/rules/5", "overlaps"),
        ];
        assert_eq!(found, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    }

    proptest! {
        #[test]
        fn the_order_of_rules_does_not_matter(
            parts in prop::collection::vec((prop::option::of(0u128..3), prop::option::of(0u128..3), prop::option::of((0i64..5, 5i64..9)), 0i64..10_000), 0..8),
            store in 0u128..3, categories in prop::collection::vec(0u128..3, 0..3), amount in 0i64..10,
        ) {
            let rules: Vec<Rule> = parts.into_iter().map(|(v, c, b, rate)| rule(v, c, b, rate)).collect();
            let backwards: Vec<Rule> = rules.iter().rev().cloned().collect();
            let line = Line { vendor: vendor(store), categories: categories.into_iter().map(category).collect(), amount, currency: bdt() };
            prop_assert_eq!(rate(&rules, &line, 1_000), rate(&backwards, &line, 1_000));
        }
    }
}
