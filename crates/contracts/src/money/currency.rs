//! The currencies of ISO 4217 that can be paid in, with the places of their minor unit.

use serde::{Deserialize, Serialize};

use super::MoneyError;

/// An ISO 4217 currency code such as `BDT`. Only active codes with a minor unit exist as values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String, example = "BDT")]
pub struct Currency([u8; 3]);

/// Codes by exponent, as of the standard's amendment 180 (2026). Metals, testing codes and units of account without
/// a minor unit are left out: nobody pays in them.
const CODES: [(u32, &str); 4] = [
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU \
         CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES \
         KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR \
         NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP \
         TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
    ),
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

impl Currency {
    /// The taka of Bangladesh.
    pub const BDT: Currency = Currency(*b"BDT");

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// How many decimal places the minor unit has: 2 for `BDT`, 0 for `JPY`, 3 for `KWD`.
    pub fn exponent(&self) -> u32 {
        exponent_of(self.code()).unwrap_or(2)
    }
}

fn exponent_of(code: &str) -> Option<u32> {
    let code = <[u8; 3]>::try_from(code.as_bytes()).ok()?;
    // Three letters and a space each.
    CODES.iter().find(|(_, codes)| codes.as_bytes().chunks(4).any(|c| c[..3] == code)).map(|(exponent, _)| *exponent)
}

impl std::str::FromStr for Currency {
    type Err = MoneyError;
    fn from_str(code: &str) -> Result<Self, Self::Err> {
        match code.as_bytes() {
            [a, b, c] if exponent_of(code).is_some() => Ok(Currency([*a, *b, *c])),
            _ => Err(MoneyError::UnknownCurrency(code.chars().take(8).collect())),
        }
    }
}

impl std::fmt::Debug for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[A-Z]{3}$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_minor_units() {
        for (code, exponent) in [("BDT", 2), ("USD", 2), ("EUR", 2), ("JPY", 0), ("VND", 0), ("KWD", 3), ("TND", 3), ("CLF", 4)] {
            assert_eq!(code.parse::<Currency>().unwrap().exponent(), exponent, "{code}");
        }
    }

    #[test]
    fn what_is_not_an_active_code_is_refused() {
        for text in ["", "BD", "BDTX", "bdt", "Bdt", "XXX", "XTS", "XAU", "HRK", "ZZZ", "D E", "৳৳৳", "BDT "] {
            assert!(matches!(text.parse::<Currency>(), Err(MoneyError::UnknownCurrency(_))), "{text:?}");
        }
        assert!(serde_json::from_str::<Currency>("\"ABC\"").is_err());
        assert_eq!(serde_json::from_str::<Currency>("\"BDT\"").unwrap(), Currency::BDT);
    }

    #[test]
    fn no_code_is_listed_twice_and_all_have_three_capital_letters() {
        let all: Vec<&str> = CODES.iter().flat_map(|(_, codes)| codes.split(' ')).collect();
        let unique: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), unique.len());
        assert!(all.iter().all(|c| c.len() == 3 && c.bytes().all(|b| b.is_ascii_uppercase())));
    }
}
