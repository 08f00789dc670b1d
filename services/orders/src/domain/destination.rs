//! Where goods go, as far as the price depends on it.

use contracts::events::orders::Address;
use kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::checkout::{WantedInput, is_country, wanted};
use super::{Wanted, field};

/// A place, to price shipping to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
    /// City or district.
    pub city: String,
    /// Postal code.
    pub postal_code: String,
}

impl From<&Address> for Destination {
    fn from(a: &Address) -> Destination {
        Destination { country: a.country.clone(), city: a.city.clone(), postal_code: a.postal_code.clone() }
    }
}

impl Destination {
    /// Written alike where it is the same place.
    pub fn plain(&self) -> Destination {
        let code = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase();
        Destination { country: code(&self.country), city: self.city.trim().to_lowercase(), postal_code: code(&self.postal_code) }
    }
}

/// An address as far as it is known: the country is needed, the city and the postal code may change the price, and the rest
/// is neither needed nor kept.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DestinationInput {
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
    /// City or district.
    pub city: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Not used.
    #[serde(rename = "name")]
    pub _name: Option<String>,
    /// Not used.
    #[serde(rename = "phone")]
    pub _phone: Option<String>,
    /// Not used.
    #[serde(rename = "line1")]
    pub _line1: Option<String>,
    /// Not used.
    #[serde(rename = "line2")]
    pub _line2: Option<String>,
}

/// The body of `POST /shipping/quotes`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShippingQuoteInput {
    /// What would be ordered.
    pub items: Vec<WantedInput>,
    /// Where it would go.
    pub shipping_address: DestinationInput,
}

/// Checks what can be checked without asking anybody.
pub fn check_shipping_quote(input: ShippingQuoteInput) -> Result<(Vec<Wanted>, Destination), Vec<FieldError>> {
    let mut errors = Vec::new();
    let items = wanted(input.items, &mut errors);
    let to = checked_destination(input.shipping_address, &mut errors);
    if errors.is_empty() { Ok((items, to)) } else { Err(errors) }
}

pub(super) fn checked_destination(input: DestinationInput, errors: &mut Vec<FieldError>) -> Destination {
    let mut text = |name: &str, value: Option<String>, most: usize| {
        let value = value.unwrap_or_default().trim().to_owned();
        if value.chars().count() > most || value.chars().any(char::is_control) {
            let detail = format!("expected at most {most} characters without control characters");
            errors.push(field(format!("/shippingAddress/{name}"), "length", detail));
        }
        value
    };
    let (city, postal_code) = (text("city", input.city, 100), text("postalCode", input.postal_code, 20));
    if !is_country(&input.country) {
        errors.push(field("/shippingAddress/country", "format", "expected an ISO 3166-1 alpha-2 code such as BD"));
    }
    Destination { country: input.country, city, postal_code }
}
