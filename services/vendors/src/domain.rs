//! What a store is.

use contracts::{Time, UserId, VendorId};
use serde::Serialize;
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
    /// Its own commission rate, in basis points.
    #[serde(skip)]
    pub commission_basis_points: Option<i64>,
    /// When it opened.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
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
    fn slugs_are_lower_case_words() {
        for (text, expected) in [("dhaka-looms", true), ("a1", true), ("", false), ("Dhaka", false), ("-a", false), ("a b", false)] {
            assert_eq!(is_slug(text), expected, "{text:?}");
        }
    }
}
