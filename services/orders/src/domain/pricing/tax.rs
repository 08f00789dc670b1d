//! Tax within prices, or on them.

use contracts::money::MoneyError;
use contracts::{CategoryId, Money};
use schemars::JsonSchema;
use serde::Deserialize;

/// How tax is worked out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tax {
    /// The tax where none of `rates` is for a sale, in basis points: 1500 is 15 percent.
    pub basis_points: u16,
    /// Whether prices contain the tax already.
    pub included: bool,
    /// Whose rates hold for an order that goes nowhere, such as one of courses only: an ISO 3166-1 alpha-2 code.
    pub country: Option<String>,
    /// Rates for some sales. One for a category goes before one for a country, one for both before either; of several
    /// categories the lowest rate counts. Shipping has the rate of no category.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub rates: Vec<TaxRate>,
}

/// A rate for some sales. What is left out does not narrow it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRate {
    /// Of what goes there: an ISO 3166-1 alpha-2 code.
    #[serde(default)]
    pub country: Option<String>,
    /// Of goods that are filed in this category.
    #[serde(default)]
    pub category_id: Option<CategoryId>,
    /// In basis points.
    pub basis_points: u16,
}

impl Default for Tax {
    fn default() -> Tax {
        Tax { basis_points: 1_500, included: true, country: None, rates: Vec::new() }
    }
}

/// The most that can be taken: all of it.
const BASIS_POINTS_MAX: u16 = 10_000;

impl Tax {
    /// What is wrong with it, if anything.
    pub fn mistake(&self) -> Option<String> {
        let is_country = |text: &String| text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
        let mut rates = std::iter::once(self.basis_points).chain(self.rates.iter().map(|r| r.basis_points));
        let mut countries = self.country.iter().chain(self.rates.iter().filter_map(|r| r.country.as_ref()));
        let key = |r: &TaxRate| (r.country.clone(), r.category_id);
        let repeated = self.rates.iter().enumerate().find(|(n, r)| self.rates[..*n].iter().any(|other| key(other) == key(r)));
        if let Some(rate) = rates.find(|rate| *rate > BASIS_POINTS_MAX) {
            return Some(format!("basis_points: expected 0 to {BASIS_POINTS_MAX}, found {rate}"));
        }
        if let Some(country) = countries.find(|c| !is_country(c)) {
            return Some(format!("country: expected an ISO 3166-1 alpha-2 code such as BD, found {country:?}"));
        }
        repeated.map(|(n, _)| format!("rates: the rate at {n} is for the same sales as one before it"))
    }

    /// The rate of what is filed in `categories` and goes to `country`.
    pub(super) fn rate(&self, country: Option<&str>, categories: &[CategoryId]) -> Rate {
        let country = country.or(self.country.as_deref());
        let fits =
            |r: &&TaxRate| r.country.as_deref().is_none_or(|c| Some(c) == country) && r.category_id.is_none_or(|c| categories.contains(&c));
        let weight = |r: &TaxRate| (r.category_id.is_some(), r.country.is_some());
        let best = self.rates.iter().filter(fits).min_by_key(|r| (std::cmp::Reverse(weight(r)), r.basis_points));
        Rate { basis_points: best.map_or(self.basis_points, |r| r.basis_points).into(), included: self.included }
    }
}

/// A rate as it is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    pub basis_points: i64,
    pub included: bool,
}

impl Rate {
    /// The tax within a price, or on it: one path, two denominators.
    pub fn of(self, price: Money) -> Result<Money, MoneyError> {
        price.fraction(self.basis_points, if self.included { 10_000 + self.basis_points } else { 10_000 })
    }

    /// What is left of a price without its tax.
    pub fn net(self, price: Money, tax: Money) -> Result<Money, MoneyError> {
        if self.included { price.minus(tax) } else { Ok(price) }
    }
}
