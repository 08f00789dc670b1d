//! E-mail addresses: one form to show, one to compare.

use super::Mistake;

/// The longest address that mail servers take (RFC 5321).
const LENGTH_MAX: usize = 254;
/// The longest part before the `@`.
const LOCAL_MAX: usize = 64;

/// An address that mail could be sent to. Two that differ only in case are one account.
///
/// Only ASCII: letters of other scripts would let two accounts look the same. Domains of other scripts have an
/// ASCII form (`xn--…`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    shown: String,
    normal: String,
}

impl Email {
    /// Trims and checks.
    pub fn parse(text: &str) -> Result<Email, Mistake> {
        let shown = text.trim();
        if shown.len() > LENGTH_MAX {
            return Err(Mistake::new("too_long", format!("expected at most {LENGTH_MAX} characters, found {}", shown.chars().count())));
        }
        let wrong = || Mistake::new("invalid_email", "expected an e-mail address such as name@example.com");
        let (local, domain) = shown.rsplit_once('@').ok_or_else(wrong)?;
        if !is_local(local) || !is_domain(domain) {
            return Err(wrong());
        }
        Ok(Email { shown: shown.to_owned(), normal: shown.to_ascii_lowercase() })
    }

    /// As its owner wrote it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// As it is compared: in lower case.
    pub fn normal(&self) -> &str {
        &self.normal
    }
}

/// Words of the characters that RFC 5322 allows without quotes, parted by single dots.
fn is_local(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b);
    text.len() <= LOCAL_MAX && text.split('.').all(|word| !word.is_empty() && word.bytes().all(allowed))
}

/// At least two labels, the last of them not a number.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.contains('.') && text.split('.').all(is_label) && text.rsplit('.').next().is_some_and(|l| !l.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_accepted_or_refused() {
        let good = ["a@b.co", " Rahim.Uddin+shop@Example.COM ", "o'neil@x-y.example", "x@xn--bcher-kva.example", "shopper@demo.haat.test"];
        for text in good {
            let email = Email::parse(text).unwrap();
            assert_eq!(email.shown(), text.trim());
            assert_eq!(email.normal(), text.trim().to_lowercase());
        }
        let long_local = format!("{}@b.co", "a".repeat(65));
        let long = format!("a@{}.co", "b.".repeat(130));
        let bad = [
            "",
            "@",
            "a@",
            "@b.co",
            "a@b",
            "a b@c.de",
            "a@b..co",
            ".a@b.co",
            "a.@b.co",
            "a..b@c.de",
            "a@-b.co",
            "a@b-.co",
            "a@@b.co",
            "a@b.co\0",
            "a\n@b.co",
            "ä@b.co",
            "a@1.2.3.4",
            "a@b.co.",
            "\"a\"@b.co",
            "a<b>@c.de",
            &long_local,
            &long,
        ];
        for text in bad {
            assert!(Email::parse(text).is_err(), "{text:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC{0,300}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert!(email.normal().len() <= LENGTH_MAX && email.normal().is_ascii());
            }
        }

        #[test]
        fn the_normal_form_is_stable_and_blind_to_case_and_space(
            local in "[a-zA-Z0-9+_-]{1,20}(\\.[a-zA-Z0-9]{1,10}){0,2}",
            domain in "[a-zA-Z0-9]{1,10}(\\.[a-zA-Z]{2,8}){1,3}",
            space in "[ \t]{0,3}",
        ) {
            let address = format!("{local}@{domain}");
            let email = Email::parse(&format!("{space}{address}{space}")).unwrap();
            prop_assert_eq!(email.shown(), &address);
            let (again, shouted) = (Email::parse(email.normal()).unwrap(), Email::parse(&address.to_uppercase()).unwrap());
            prop_assert_eq!(again.normal(), email.normal());
            prop_assert_eq!(shouted.normal(), email.normal());
        }
    }
}
