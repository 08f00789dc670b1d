//! Money as people write it: decimal text in and out.

use super::{Currency, Money, MoneyError};

impl Money {
    /// From decimal text such as `1299.5`, `1,299.00` or `-3`, with the currency's places. Commas may group the whole
    /// part by three, or by two before the last three as in `1,29,900`. More places than the currency has are refused
    /// unless they are zeros: nothing is rounded in silence.
    pub fn parse(text: &str, currency: Currency) -> Result<Money, MoneyError> {
        let malformed = || MoneyError::Malformed(text.chars().take(32).collect());
        let trimmed = text.trim();
        let (negative, digits) = match trimmed.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if !is_grouped(whole) || !all_digits(fraction) || digits.ends_with('.') {
            return Err(malformed());
        }
        let places = currency.exponent() as usize;
        let (kept, cut) = fraction.split_at(fraction.len().min(places));
        if cut.bytes().any(|b| b != b'0') {
            return Err(MoneyError::TooPrecise { currency, places: currency.exponent() });
        }
        let minor = format!("{}{kept:0<places$}", whole.replace(',', ""));
        let minor: i128 = minor.trim_start_matches('0').parse().or_else(|e: std::num::ParseIntError| match e.kind() {
            std::num::IntErrorKind::Empty => Ok(0),
            _ => Err(MoneyError::Overflow),
        })?;
        let signed = if negative { -minor } else { minor };
        Ok(Money::new(i64::try_from(signed).map_err(|_| MoneyError::Overflow)?, currency))
    }

    /// Decimal text with the currency's places and no groups, such as `1299.00`; [`Money::parse`] reads it back.
    pub fn to_decimal(&self) -> String {
        let (whole, fraction) = self.parts();
        format!("{}{whole}{fraction}", self.sign())
    }

    fn sign(&self) -> &'static str {
        if self.amount < 0 { "-" } else { "" }
    }

    /// The whole units as digits, and the fraction with its point where the currency has one.
    fn parts(&self) -> (String, String) {
        let places = self.currency.exponent() as usize;
        let digits = format!("{:0>1$}", self.amount.unsigned_abs(), places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        (whole.to_owned(), if places == 0 { String::new() } else { format!(".{fraction}") })
    }
}

/// `BDT 1,299.00`.
impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, fraction) = self.parts();
        write!(f, "{} {}", self.currency, self.sign())?;
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        f.write_str(&fraction)
    }
}

/// Digits alone, or groups: one to three first, then twos and threes, three last.
fn is_grouped(whole: &str) -> bool {
    let groups: Vec<&str> = whole.split(',').collect();
    let all_digits = groups.iter().all(|g| !g.is_empty() && g.bytes().all(|b| b.is_ascii_digit()));
    all_digits
        && match groups.as_slice() {
            [_] => true,
            [first, middle @ .., last] => first.len() <= 3 && last.len() == 3 && middle.iter().all(|g| g.len() == 2 || g.len() == 3),
            [] => false,
        }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn text_becomes_minor_units() {
        for (text, code, amount) in [
            ("1,299.00", "BDT", 129_900),
            ("1299.5", "BDT", 129_950),
            (" 1299 ", "BDT", 129_900),
            ("1,29,900.05", "BDT", 12_990_005),
            ("0.05", "BDT", 5),
            ("-3", "USD", -300),
            ("+3.10", "USD", 310),
            ("500", "JPY", 500),
            ("500.00", "JPY", 500),
            ("1.234", "KWD", 1_234),
            ("12.3400", "USD", 1_234),
            ("0", "USD", 0),
            ("-92233720368547758.08", "BDT", i64::MIN),
        ] {
            assert_eq!(Money::parse(text, currency(code)), Ok(Money::new(amount, currency(code))), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in [
            "", " ", "-", "abc", "1.2.3", "1,2", "12,34", "1234,567", ",123", "1,,234", "1e3", "৳5", "5 BDT", "5.", ".05", "--5", "NaN",
            "٣",
        ] {
            assert!(matches!(Money::parse(text, Currency::BDT), Err(MoneyError::Malformed(_))), "{text:?}");
        }
        assert!(matches!(Money::parse("1.005", Currency::BDT), Err(MoneyError::TooPrecise { places: 2, .. })));
        assert!(matches!(Money::parse("0.5", currency("JPY")), Err(MoneyError::TooPrecise { places: 0, .. })));
        for text in ["92233720368547758.08", "999999999999999999999999", &"9".repeat(60)] {
            assert_eq!(Money::parse(text, Currency::BDT), Err(MoneyError::Overflow), "{text}");
        }
    }

    #[test]
    fn amounts_read_as_people_write_them() {
        for (amount, code, decimal, shown) in [
            (129_900, "BDT", "1299.00", "BDT 1,299.00"),
            (5, "BDT", "0.05", "BDT 0.05"),
            (-123_456_789, "USD", "-1234567.89", "USD -1,234,567.89"),
            (1_000, "JPY", "1000", "JPY 1,000"),
            (1, "KWD", "0.001", "KWD 0.001"),
            (0, "BDT", "0.00", "BDT 0.00"),
        ] {
            let money = Money::new(amount, currency(code));
            assert_eq!((money.to_decimal(), money.to_string()), (decimal.to_owned(), shown.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn decimal_text_is_read_back(amount: i64, code in prop::sample::select(vec!["BDT", "JPY", "KWD", "CLF"])) {
            let money = Money::new(amount, currency(code));
            prop_assert_eq!(Money::parse(&money.to_decimal(), money.currency), Ok(money));
            let grouped = money.to_string();
            prop_assert_eq!(Money::parse(&grouped[4..], money.currency), Ok(money));
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.,a ]{0,24}") {
            let _ = Money::parse(&text, Currency::BDT);
        }
    }
}
