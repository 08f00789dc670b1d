//! What a store is, who works in it, what it takes for shipping, and what the marketplace keeps of its sales.

pub(crate) mod commission;
pub(crate) mod figures;
pub(crate) mod shipping;

use contracts::{Time, UserId, VendorId};
use kit::problem::FieldError;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A store as everybody sees it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Store {
    /// The store.
    pub id: VendorId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// `active` or `suspended`.
    pub status: String,
    /// Who owns it.
    #[serde(skip)]
    pub owner_id: Option<UserId>,
    /// What it says of itself.
    pub description: Option<String>,
    /// Where shoppers ask.
    pub support_email: Option<String>,
    /// Where shoppers call, E.164.
    pub support_phone: Option<String>,
    /// Counts changes, from 1.
    #[serde(skip)]
    pub version: i64,
    /// When it opened.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// On what terms a store sells.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The store.
    pub vendor: VendorId,
    /// Its own commission rate, in basis points.
    pub commission_basis_points: Option<i64>,
    /// Its own shipping methods.
    pub shipping: Option<Vec<shipping::Method>>,
}

impl Terms {
    /// The store's own rate, as a rule.
    pub fn own_rule(&self) -> Option<commission::Rule> {
        let rule = |basis_points| commission::Rule {
            vendor_id: Some(self.vendor),
            category_id: None,
            currency: None,
            min_amount: None,
            max_amount: None,
            basis_points,
        };
        self.commission_basis_points.map(rule)
    }
}

/// Somebody who works in a store, or is asked to.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// When the owner asked them.
    pub added_at: Time,
    /// Since when they work there; null until they have accepted.
    pub accepted_at: Option<Time>,
}

/// A store that wants somebody to work in it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// The store.
    pub vendor_id: VendorId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// When its owner asked.
    pub invited_at: Time,
}

/// A change of what a store says of itself: what is left out stays, null takes away.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StoreChange {
    /// 1 to 120 characters.
    pub name: Option<String>,
    /// At most 5,000 characters.
    #[serde(deserialize_with = "some")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// An e-mail address.
    #[serde(deserialize_with = "some")]
    #[schema(value_type = Option<String>)]
    pub support_email: Option<Option<String>>,
    /// Such as +8801712345678.
    #[serde(deserialize_with = "some")]
    #[schema(value_type = Option<String>)]
    pub support_phone: Option<Option<String>>,
}

/// Tells null from absent.
fn some<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(d).map(Some)
}

/// Where, what was sent, whether it is fine, and what was expected.
type FieldCheck = (&'static str, Option<String>, fn(&str) -> bool, &'static str);

impl StoreChange {
    /// Everything that is wrong with it.
    pub fn mistakes(&self) -> Vec<FieldError> {
        let inner = |field: &Option<Option<String>>| field.clone().flatten();
        let checks: [FieldCheck; 4] = [
            ("/name", self.name.clone(), |t| is_line(t, 1, 120), "a name has 1 to 120 characters in one line"),
            ("/description", inner(&self.description), |t| t.chars().count() <= 5_000, "a description has at most 5000 characters"),
            ("/supportEmail", inner(&self.support_email), is_email, "expected an e-mail address such as name@example.com"),
            ("/supportPhone", inner(&self.support_phone), is_phone, "expected an international number such as +8801712345678"),
        ];
        let wrong = checks.into_iter().filter(|(_, text, is_fine, _)| text.as_deref().is_some_and(|t| !is_fine(t)));
        wrong.map(|(pointer, _, _, detail)| FieldError { pointer: pointer.into(), code: "invalid", detail: detail.into() }).collect()
    }

    /// The store after the change.
    pub fn apply(self, store: &Store) -> Store {
        let text = |new: Option<Option<String>>, old: &Option<String>| new.unwrap_or_else(|| old.clone());
        Store {
            name: self.name.map_or_else(|| store.name.clone(), |n| n.trim().to_owned()),
            description: text(self.description, &store.description),
            support_email: text(self.support_email, &store.support_email),
            support_phone: text(self.support_phone, &store.support_phone),
            ..store.clone()
        }
    }
}

fn is_line(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.trim().chars().count()) && !text.chars().any(char::is_control)
}

fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    text.len() <= 254
        && text.bytes().all(|b| b.is_ascii_graphic())
        && parts.is_some_and(|(a, b)| !a.is_empty() && b.contains('.') && !b.contains('@'))
}

fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a text can be a store's name in addresses: lower-case letters, digits and hyphens, at most 60.
pub fn is_slug(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.len() <= 60 && text.chars().all(fits) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_of_a_change_are_named() {
        let text = |t: &str| Some(Some(t.to_owned()));
        let change =
            StoreChange { name: Some(" ".into()), support_email: text("a@b"), support_phone: text("0171"), ..StoreChange::default() };
        let found: Vec<_> = change.mistakes().into_iter().map(|e| e.pointer).collect();
        assert_eq!(found, ["/name", "/supportEmail", "/supportPhone"]);
        let fine = StoreChange {
            name: Some("Looms".into()),
            description: Some(None),
            support_email: text("a@b.test"),
            support_phone: text("+8801711111111"),
        };
        assert_eq!(fine.mistakes(), []);
    }

    #[test]
    fn slugs_are_lower_case_words() {
        for (text, expected) in [("dhaka-looms", true), ("a1", true), ("", false), ("Dhaka", false), ("-a", false), ("a b", false)] {
            assert_eq!(is_slug(text), expected, "{text:?}");
        }
    }
}
