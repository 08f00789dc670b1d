//! The address book.

use contracts::{Time, UserId};
use uuid::Uuid;

use super::field::{line, optional_line, phone};
use super::{Check, Mistake};
use crate::error::Error;

/// An address as its owner writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressForm {
    /// What its owner calls it, such as Home.
    pub label: Option<String>,
    /// Who receives.
    pub name: String,
    /// Whom the carrier calls; E.164.
    pub phone: String,
    /// Street and number.
    pub line1: String,
    /// Floor, flat, landmark.
    pub line2: Option<String>,
    /// City or town.
    pub city: String,
    /// Division, state, province.
    pub region: Option<String>,
    /// Postal code; some countries have none.
    pub postal_code: Option<String>,
    /// ISO 3166-1, two capital letters.
    pub country: String,
    /// Whether it is filled in first at checkout. Absent: the first address is, others keep what they are.
    pub is_default: Option<bool>,
}

impl AddressForm {
    /// Checks every field.
    pub fn check(self) -> Result<AddressForm, Error> {
        let mut check = Check::default();
        let form = AddressForm {
            label: check.field("/label", optional_line(self.label.as_deref(), 50)).flatten(),
            name: check.field("/name", line(&self.name, 1, 200)).unwrap_or_default(),
            phone: check.field("/phone", phone(&self.phone)).unwrap_or_default(),
            line1: check.field("/line1", line(&self.line1, 1, 200)).unwrap_or_default(),
            line2: check.field("/line2", optional_line(self.line2.as_deref(), 200)).flatten(),
            city: check.field("/city", line(&self.city, 1, 100)).unwrap_or_default(),
            region: check.field("/region", optional_line(self.region.as_deref(), 100)).flatten(),
            postal_code: check.field("/postalCode", optional_line(self.postal_code.as_deref(), 20)).flatten(),
            country: check.field("/country", country(&self.country)).unwrap_or_default(),
            is_default: self.is_default,
        };
        let errors = check.into_errors();
        if errors.is_empty() { Ok(form) } else { Err(Error::Invalid(errors)) }
    }
}

fn country(text: &str) -> Result<String, Mistake> {
    let fits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
    if fits { Ok(text.to_owned()) } else { Err(Mistake::new("invalid_country", "expected two capital letters such as BD")) }
}

/// An address in somebody's book.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// Which.
    pub id: Uuid,
    /// Whose.
    pub user: UserId,
    /// What it says.
    pub form: AddressForm,
    /// Whether it is filled in first at checkout.
    pub is_default: bool,
    /// Counts changes, from 1.
    pub version: i64,
    /// When it was entered.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> AddressForm {
        AddressForm {
            name: "Rahim".into(),
            phone: "+880 1712 345678".into(),
            line1: "House 1, Road 2".into(),
            city: "Dhaka".into(),
            postal_code: Some("1207".into()),
            country: "BD".into(),
            ..AddressForm::default()
        }
    }

    #[test]
    fn a_good_address_is_tidied() {
        let form = AddressForm { label: Some("  ".into()), line2: Some(" 3rd floor ".into()), ..home() }.check().unwrap();
        assert_eq!(form.phone, "+8801712345678");
        assert_eq!((form.label, form.line2.as_deref()), (None, Some("3rd floor")));
    }

    #[test]
    fn every_mistake_is_named() {
        let wrong = AddressForm { name: "".into(), phone: "12".into(), country: "bd".into(), city: "x\ny".into(), ..home() };
        let Err(Error::Invalid(errors)) = wrong.check() else { panic!("accepted") };
        let pointers: Vec<_> = errors.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/phone", "/city", "/country"]);
    }
}
