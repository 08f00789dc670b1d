//! Checks of single fields, collected so that a caller hears of every mistake at once.

use kit::problem::FieldError;

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Stable, snake_case.
    pub code: &'static str,
    /// What was expected and what was found.
    pub detail: String,
}

impl Mistake {
    /// A mistake with its code.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Mistake {
        Mistake { code, detail: detail.into() }
    }
}

/// Collects the mistakes of a body.
#[derive(Debug, Default)]
pub struct Check {
    errors: Vec<FieldError>,
}

impl Check {
    /// The value, or `None` with the mistake noted under `pointer`.
    pub fn field<T>(&mut self, pointer: &str, parsed: Result<T, Mistake>) -> Option<T> {
        parsed.map_err(|m| self.errors.push(FieldError { pointer: pointer.to_owned(), code: m.code, detail: m.detail })).ok()
    }

    /// What was noted.
    pub fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }
}

/// Text of one line: trimmed, with `min` to `max` characters, none of them a control character.
pub fn line(text: &str, min: usize, max: usize) -> Result<String, Mistake> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err(Mistake::new("control_character", "line breaks and other control characters are not allowed here"));
    }
    let length = text.chars().count();
    if length < min {
        return Err(Mistake::new("too_short", format!("expected at least {min} characters, found {length}")));
    }
    if length > max {
        return Err(Mistake::new("too_long", format!("expected at most {max} characters, found {length}")));
    }
    Ok(text.to_owned())
}

/// As [`line`], where nothing and blank text are the same.
pub fn optional_line(text: Option<&str>, max: usize) -> Result<Option<String>, Mistake> {
    let line = line(text.unwrap_or(""), 0, max)?;
    Ok(Some(line).filter(|l| !l.is_empty()))
}

/// A telephone number in the form of E.164: `+`, then 7 to 15 digits. Spaces, dots, hyphens and parentheses are dropped.
pub fn phone(text: &str) -> Result<String, Mistake> {
    let number: String = text.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '(' | ')')).collect();
    let digits = number.strip_prefix('+').unwrap_or("");
    let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if fits { Ok(number) } else { Err(Mistake::new("invalid_phone", "expected an international number such as +8801712345678")) }
}

/// A language tag such as `en` or `bn-BD` (BCP 47, language and optional region).
pub fn locale(text: &str) -> Result<String, Mistake> {
    let (language, region) = text.trim().split_once('-').map_or((text.trim(), None), |(l, r)| (l, Some(r)));
    let letters = |s: &str| s.bytes().all(|b| b.is_ascii_alphabetic());
    if !(2..=3).contains(&language.len()) || !letters(language) || region.is_some_and(|r| r.len() != 2 || !letters(r)) {
        return Err(Mistake::new("invalid_locale", "expected a language tag such as en or bn-BD"));
    }
    let language = language.to_ascii_lowercase();
    Ok(region.map_or(language.clone(), |r| format!("{language}-{}", r.to_ascii_uppercase())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_brought_to_one_form() {
        let cases = [
            ("+8801712345678", Some("+8801712345678")),
            ("+880 1712-345678", Some("+8801712345678")),
            ("+1 (212) 555.0100", Some("+12125550100")),
            ("01712345678", None),
            ("+0171234567", None),
            ("+12345", None),
            ("+1234567890123456", None),
            ("+88o1712345678", None),
            ("", None),
            ("+", None),
        ];
        for (text, expected) in cases {
            assert_eq!(phone(text).ok().as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn locales_are_brought_to_one_form() {
        let cases =
            [("en", Some("en")), ("BN-bd", Some("bn-BD")), ("e", None), ("en-", None), ("en-GBR", None), ("en_GB", None), ("", None)];
        for (text, expected) in cases {
            assert_eq!(locale(text).ok().as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_count_characters_and_refuse_control_characters() {
        assert_eq!(line("  রহিম  ", 1, 5).unwrap(), "রহিম");
        assert_eq!(line("abcdef", 1, 5).unwrap_err().code, "too_long");
        assert_eq!(line("   ", 1, 5).unwrap_err().code, "too_short");
        assert_eq!(line("a\0b", 1, 5).unwrap_err().code, "control_character");
        assert_eq!(line("a\nb", 1, 5).unwrap_err().code, "control_character");
        assert_eq!(optional_line(Some("  "), 5).unwrap(), None);
    }
}
