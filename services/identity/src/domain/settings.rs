use contracts::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Check, Mistake};
use crate::error::Error;

/// Nobody is longer, in millimetres.
const LENGTH_MM_MAX: i64 = 3_000;
/// Nobody is heavier, in grams.
const WEIGHT_G_MAX: i64 = 700_000;

/// What is kept of a person beyond the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The body's measurements.
    Measurements,
    /// How they like to shop.
    Preferences,
}

impl Setting {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Setting::Measurements => "measurements",
            Setting::Preferences => "preferences",
        }
    }
}

/// A body's measurements, for clothes that fit. What is left out is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Measurements {
    /// In millimetres, 1 to 3,000, as all lengths here.
    #[schema(example = 1_650)]
    pub height_mm: Option<i64>,
    /// In grams, 1 to 700,000.
    #[schema(example = 58_000)]
    pub weight_g: Option<i64>,
    /// Around the chest.
    pub chest_mm: Option<i64>,
    /// Around the waist.
    pub waist_mm: Option<i64>,
    /// Around the hips.
    pub hips_mm: Option<i64>,
    /// Around the neck.
    pub neck_mm: Option<i64>,
    /// From shoulder to shoulder.
    pub shoulders_mm: Option<i64>,
    /// From the shoulder to the wrist.
    pub sleeve_mm: Option<i64>,
    /// From the crotch to the ankle.
    pub inseam_mm: Option<i64>,
    /// From heel to toe.
    pub foot_mm: Option<i64>,
}

/// How somebody likes to shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ShoppingPreferences)]
pub struct Preferences {
    /// In which currency prices are preferred; ISO 4217. Null for the shop's own.
    #[schema(example = "BDT")]
    pub currency: Option<String>,
    /// Whether what they look at and buy may choose what they are shown; true where left out.
    #[serde(default = "yes")]
    pub personalised: bool,
}

fn yes() -> bool {
    true
}

impl Default for Preferences {
    fn default() -> Preferences {
        Preferences { currency: None, personalised: true }
    }
}

impl Measurements {
    /// Every mistake, by field.
    pub fn check(&self) -> Result<(), Error> {
        let mut check = Check::default();
        let fields = [
            ("/heightMm", self.height_mm, LENGTH_MM_MAX),
            ("/weightG", self.weight_g, WEIGHT_G_MAX),
            ("/chestMm", self.chest_mm, LENGTH_MM_MAX),
            ("/waistMm", self.waist_mm, LENGTH_MM_MAX),
            ("/hipsMm", self.hips_mm, LENGTH_MM_MAX),
            ("/neckMm", self.neck_mm, LENGTH_MM_MAX),
            ("/shouldersMm", self.shoulders_mm, LENGTH_MM_MAX),
            ("/sleeveMm", self.sleeve_mm, LENGTH_MM_MAX),
            ("/inseamMm", self.inseam_mm, LENGTH_MM_MAX),
            ("/footMm", self.foot_mm, LENGTH_MM_MAX),
        ];
        for (pointer, found, most) in fields {
            let fits = found.is_none_or(|n| (1..=most).contains(&n));
            let wrong = || Mistake::new("out_of_range", format!("expected 1 to {most}, found {}", found.unwrap_or_default()));
            check.field(pointer, fits.then_some(()).ok_or_else(wrong));
        }
        none(check)
    }
}

impl Preferences {
    /// Every mistake, by field.
    pub fn check(&self) -> Result<(), Error> {
        let mut check = Check::default();
        let is_known = self.currency.as_deref().is_none_or(|code| code.parse::<Currency>().is_ok());
        let wrong = || Mistake::new("unknown_currency", "expected an ISO 4217 code such as BDT");
        check.field("/currency", is_known.then_some(()).ok_or_else(wrong));
        none(check)
    }
}

fn none(check: Check) -> Result<(), Error> {
    let errors = check.into_errors();
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named_by_their_fields() {
        let fine = Measurements { height_mm: Some(1_650), weight_g: Some(700_000), foot_mm: Some(1), ..Measurements::default() };
        assert!(fine.check().is_ok() && Measurements::default().check().is_ok());
        let wrong = Measurements { height_mm: Some(0), weight_g: Some(700_001), waist_mm: Some(-1), ..fine };
        let Err(Error::Invalid(errors)) = wrong.check() else { panic!("accepted") };
        assert_eq!(errors.iter().map(|e| e.pointer.as_str()).collect::<Vec<_>>(), ["/heightMm", "/weightG", "/waistMm"]);
        assert!(Preferences::default().check().is_ok());
        assert!(Preferences { currency: Some("XYZ".into()), personalised: true }.check().is_err());
    }
}
