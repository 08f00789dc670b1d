//! What stores take for carrying goods: methods, each with rates by zone, weight and worth.

mod check;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use contracts::{Currency, Money, VendorId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::commission::Line;

pub(crate) use check::mistakes;

/// A way in which a store ships.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ShippingMethod)]
pub struct Method {
    /// What a checkout names it by, such as `standard`: 1 to 40 lower-case letters, digits, hyphens and underscores.
    pub code: String,
    /// For people; at most 80 characters.
    pub name: String,
    /// Of those that fit, the one with the most particular zone counts; then the narrowest band of weight; then the lowest price.
    pub rates: Vec<Rate>,
}

/// What a method costs where, for which weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ShippingRate)]
pub struct Rate {
    /// For goods in its currency.
    pub price: Money,
    /// Where; everywhere if left out.
    #[serde(default)]
    pub zone: Zone,
    /// Up to this weight of all of the store's goods in the order.
    #[serde(default)]
    pub max_grams: Option<i64>,
    /// For each kilogram that is begun above `includedGrams`.
    #[serde(default)]
    pub per_kilogram: Option<Money>,
    /// What the price covers where there is a price per kilogram.
    #[serde(default)]
    pub included_grams: i64,
    /// Free once the store's goods that ship come to this.
    #[serde(default)]
    pub free_from: Option<Money>,
}

/// Where a rate holds. Cities and postal codes are of the countries listed; a place that is in either list is in the zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ShippingZone)]
pub struct Zone {
    /// ISO 3166-1 alpha-2 codes; everywhere if empty.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Cities or districts, in any case.
    #[serde(default)]
    pub cities: Vec<String>,
    /// What a postal code begins with.
    #[serde(default)]
    pub postal_prefixes: Vec<String>,
}

/// Where goods go, as far as the price is concerned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Destination {
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
    /// City or district.
    pub city: String,
    /// Postal code.
    pub postal_code: String,
}

/// What one store ships in one order. Digital goods and courses are not in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parcel {
    /// What the goods come to.
    pub worth: Money,
    /// What they weigh.
    pub grams: i64,
}

/// A line of an order whose terms are asked for.
#[derive(Clone, Debug)]
pub struct SaleLine {
    /// As the rules on commission see it.
    pub line: Line,
    /// What all pieces weigh; none for what is not shipped.
    pub grams: Option<i64>,
}

impl Parcel {
    /// Of one store's lines; none where nothing is shipped.
    pub fn of<'a>(lines: impl Iterator<Item = &'a SaleLine>) -> Option<Parcel> {
        let shipped = lines.filter_map(|l| Some((Money::new(l.line.amount, l.line.currency), l.grams?)));
        shipped.map(|(worth, grams)| Parcel { worth, grams }).reduce(|a, b| Parcel {
            worth: Money::new(a.worth.amount.saturating_add(b.worth.amount), a.worth.currency),
            grams: a.grams.saturating_add(b.grams),
        })
    }
}

/// What a method costs for a parcel.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The store.
    pub vendor: VendorId,
    /// The method's code.
    pub code: String,
    /// The method's name.
    pub name: String,
    /// For the whole parcel.
    pub price: Money,
}

/// The methods by which a parcel can go there, in the store's order.
pub(crate) fn offers(vendor: VendorId, methods: &[Method], parcel: Parcel, to: &Destination) -> Vec<Offer> {
    let to = to.plain();
    let offer = |m: &Method| Some(Offer { vendor, code: m.code.clone(), name: m.name.clone(), price: m.price(parcel, &to)? });
    methods.iter().filter_map(offer).collect()
}

/// The flat method that every store has that says nothing else.
pub(crate) fn flat(code: &str, name: &str, price: Money) -> Method {
    let rate = Rate { price, zone: Zone::default(), max_grams: None, per_kilogram: None, included_grams: 0, free_from: None };
    Method { code: code.into(), name: name.into(), rates: vec![rate] }
}

impl Method {
    /// None where it does not go there, or not with this weight or currency.
    fn price(&self, parcel: Parcel, to: &Destination) -> Option<Money> {
        let fitting = self.rates.iter().filter_map(|rate| {
            let rank = rate.zone.rank(to)?;
            rate.takes(parcel).then_some((rank, rate))
        });
        let priced = fitting.filter_map(|(rank, rate)| Some((rank, rate.max_grams.unwrap_or(i64::MAX), rate.price_of(parcel)?)));
        priced.min_by_key(|(rank, band, price)| (Reverse(*rank), *band, price.amount)).map(|(_, _, price)| price)
    }
}

impl Rate {
    fn takes(&self, parcel: Parcel) -> bool {
        self.price.currency == parcel.worth.currency && self.max_grams.is_none_or(|most| parcel.grams <= most)
    }

    /// None where it does not fit 64 bits.
    fn price_of(&self, parcel: Parcel) -> Option<Money> {
        if self.free_from.is_some_and(|least| parcel.worth.amount >= least.amount) {
            return Some(Money::zero(self.price.currency));
        }
        let above = parcel.grams.saturating_sub(self.included_grams).max(0);
        let kilograms_begun = above / 1_000 + i64::from(above % 1_000 > 0);
        let by_weight = self.per_kilogram.unwrap_or(Money::zero(self.price.currency)).times(kilograms_begun).ok()?;
        self.price.plus(by_weight).ok()
    }

    fn currencies(&self) -> impl Iterator<Item = (&'static str, Currency)> {
        let more = [("/perKilogram", self.per_kilogram), ("/freeFrom", self.free_from)];
        more.into_iter().filter_map(|(field, money)| Some((field, money?.currency)))
    }
}

impl Zone {
    /// How particularly it names the place; none where the place is not in it. A postal code goes before a city, a longer
    /// part of it before a shorter, a city before a country.
    fn rank(&self, to: &Destination) -> Option<usize> {
        if !self.countries.is_empty() && !self.countries.contains(&to.country) {
            return None;
        }
        let prefixes = self.postal_prefixes.iter().map(|p| plain_code(p)).filter(|p| to.postal_code.starts_with(p.as_str()));
        let prefix = prefixes.map(|p| 2 + p.len()).max();
        let city = self.cities.iter().any(|c| plain_name(c) == to.city).then_some(2);
        let anywhere = (self.cities.is_empty() && self.postal_prefixes.is_empty()).then_some(usize::from(!self.countries.is_empty()));
        prefix.or(city).or(anywhere)
    }

    /// The same for zones that hold the same places.
    fn key(&self) -> [Vec<String>; 3] {
        let sorted = |list: &[String], plain: fn(&str) -> String| {
            let mut list: Vec<String> = list.iter().map(|t| plain(t)).collect();
            list.sort();
            list.dedup();
            list
        };
        [sorted(&self.countries, str::to_owned), sorted(&self.cities, plain_name), sorted(&self.postal_prefixes, plain_code)]
    }
}

impl Destination {
    /// As zones compare it.
    fn plain(&self) -> Destination {
        Destination { country: plain_code(&self.country), city: plain_name(&self.city), postal_code: plain_code(&self.postal_code) }
    }
}

fn plain_name(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Codes are written with and without spaces and hyphens.
fn plain_code(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase()
}
