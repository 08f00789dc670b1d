//! The languages that messages are written in, and how numbers and money look in them.

use contracts::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub(crate) enum Locale {
    /// English.
    #[serde(rename = "en")]
    English,
    /// Bangla.
    #[serde(rename = "bn")]
    Bangla,
}

impl Locale {
    /// Every language.
    pub const ALL: [Locale; 2] = [Locale::English, Locale::Bangla];

    /// The language of a BCP 47 tag such as `bn-BD`; English where there are no texts in it.
    pub fn of(tag: &str) -> Locale {
        match tag.split(['-', '_']).next() {
            Some("bn") => Locale::Bangla,
            _ => Locale::English,
        }
    }

    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Locale::English => "en",
            Locale::Bangla => "bn",
        }
    }

    /// What the link that turns off mails says.
    pub fn unsubscribe(self) -> &'static str {
        match self {
            Locale::English => "Turn off e-mails like this one",
            Locale::Bangla => "এ ধরনের ইমেইল বন্ধ করুন",
        }
    }

    /// A number in the digits of the language.
    pub fn number(self, number: i64) -> String {
        self.digits(&number.to_string())
    }

    /// An amount as it is read: `BDT 1,29,900.00` in English, `৳১,২৯,৯০০.০০` in Bangla. The taka is grouped as in
    /// Bangladesh (three, then twos), every other currency by threes.
    pub fn money(self, money: Money) -> String {
        let decimal = money.to_decimal();
        let (sign, decimal) = decimal.strip_prefix('-').map_or(("", decimal.as_str()), |rest| ("-", rest));
        let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
        let is_taka = money.currency.code() == "BDT";
        let mut number = grouped(whole, if is_taka { 2 } else { 3 });
        if !fraction.is_empty() {
            number = format!("{number}.{fraction}");
        }
        match self {
            Locale::Bangla if is_taka => format!("{sign}৳{}", self.digits(&number)),
            _ => format!("{} {sign}{}", money.currency, self.digits(&number)),
        }
    }

    fn digits(self, text: &str) -> String {
        match self {
            Locale::English => text.to_owned(),
            Locale::Bangla => text.chars().map(bangla_digit).collect(),
        }
    }
}

fn bangla_digit(c: char) -> char {
    let digit = c.to_digit(10).and_then(|d| char::from_u32(u32::from('০') + d));
    digit.unwrap_or(c)
}

/// Digits with commas: before the last three, and before every `size` that come before them.
fn grouped(whole: &str, size: usize) -> String {
    let mut out = String::with_capacity(whole.len() * 2);
    for (i, digit) in whole.chars().enumerate() {
        let left = whole.len() - i;
        if i > 0 && left >= 3 && (left - 3).is_multiple_of(size) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_by_currency_and_language() {
        let cases = [
            ("BDT", 129_900, "BDT 1,299.00", "৳১,২৯৯.০০"),
            ("BDT", 12_345_678_900, "BDT 12,34,56,789.00", "৳১২,৩৪,৫৬,৭৮৯.০০"),
            ("BDT", -5, "BDT -0.05", "-৳০.০৫"),
            ("BDT", 99_999, "BDT 999.99", "৳৯৯৯.৯৯"),
            ("USD", 123_456_789, "USD 1,234,567.89", "USD ১,২৩৪,৫৬৭.৮৯"),
            ("JPY", 1_234_567, "JPY 1,234,567", "JPY ১,২৩৪,৫৬৭"),
            ("KWD", 1_234, "KWD 1.234", "KWD ১.২৩৪"),
            ("BDT", i64::MIN, "BDT -92,23,37,20,36,85,47,758.08", "-৳৯২,২৩,৩৭,২০,৩৬,৮৫,৪৭,৭৫৮.০৮"),
        ];
        for (currency, amount, english, bangla) in cases {
            let money = Money::new(amount, currency.parse().unwrap());
            assert_eq!(Locale::English.money(money), english);
            assert_eq!(Locale::Bangla.money(money), bangla);
        }
        assert_eq!(Locale::Bangla.number(-120), "-১২০");
    }

    #[test]
    fn a_language_without_texts_is_english() {
        for (tag, expected) in [("bn", "bn"), ("bn-BD", "bn"), ("en-GB", "en"), ("fr", "en"), ("", "en"), ("bnx", "en")] {
            assert_eq!(Locale::of(tag).as_str(), expected, "{tag}");
        }
    }
}
