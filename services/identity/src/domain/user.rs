//! People with an account.

use std::collections::BTreeSet;
use std::fmt;

use contracts::{Time, UserId};
use kit::Role;

use super::field::{line, locale, phone};
use super::{Check, Email, Mistake};
use crate::error::Error;

/// Characters of a password.
const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 10..=200;
/// Characters of a first or a last name.
const NAME_LENGTH_MAX: usize = 100;
/// The language where none is chosen.
const LOCALE_DEFAULT: &str = "en";

/// A password as it was typed; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// A password for a new account.
    pub fn parse(text: String) -> Result<Password, Mistake> {
        let length = text.chars().count();
        match length {
            n if n < *PASSWORD_LENGTH.start() => {
                Err(Mistake::new("too_short", format!("expected at least {} characters, found {n}", PASSWORD_LENGTH.start())))
            }
            _ => Password::typed(text),
        }
    }

    /// A password that is to be compared: it may be older than today's rules, but not endless.
    pub fn typed(text: String) -> Result<Password, Mistake> {
        let length = text.chars().count();
        if length > *PASSWORD_LENGTH.end() {
            return Err(Mistake::new("too_long", format!("expected at most {} characters, found {length}", PASSWORD_LENGTH.end())));
        }
        Ok(Password(text))
    }

    /// The bytes to hash.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// What somebody who registers says of themselves, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The address to sign in with.
    pub email: Email,
    /// The password to sign in with.
    pub password: Password,
    /// The rest.
    pub profile: Profile,
}

impl Registration {
    /// Checks every field. Many people have one name only: the last one may be empty.
    pub fn new(email: &str, password: String, first_name: &str, last_name: &str) -> Result<Registration, Error> {
        let mut check = Check::default();
        let email = check.field("/email", Email::parse(email));
        let password = check.field("/password", Password::parse(password));
        let first_name = check.field("/firstName", line(first_name, 1, NAME_LENGTH_MAX));
        let last_name = check.field("/lastName", line(last_name, 0, NAME_LENGTH_MAX));
        match (email, password, first_name, last_name) {
            (Some(email), Some(password), Some(first_name), Some(last_name)) => {
                let profile = Profile { first_name, last_name, phone: None, locale: LOCALE_DEFAULT.to_owned() };
                Ok(Registration { email, password, profile })
            }
            _ => Err(Error::Invalid(check.into_errors())),
        }
    }
}

/// What others may show of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Given name.
    pub first_name: String,
    /// Family name; empty for those who have none.
    pub last_name: String,
    /// E.164.
    pub phone: Option<String>,
    /// BCP 47.
    pub locale: String,
}

/// A change of a profile: what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// The telephone number; inner `None` takes it away.
    pub phone: Option<Option<String>>,
    /// The language.
    pub locale: Option<String>,
}

impl ProfileChange {
    /// Checks every field that is there.
    pub fn check(self) -> Result<ProfileChange, Error> {
        let mut check = Check::default();
        let first_name = self.first_name.and_then(|t| check.field("/firstName", line(&t, 1, NAME_LENGTH_MAX)));
        let last_name = self.last_name.and_then(|t| check.field("/lastName", line(&t, 0, NAME_LENGTH_MAX)));
        let phone = self.phone.map(|number| number.and_then(|t| check.field("/phone", phone(&t))));
        let locale = self.locale.and_then(|t| check.field("/locale", locale(&t)));
        let errors = check.into_errors();
        if errors.is_empty() { Ok(ProfileChange { first_name, last_name, phone, locale }) } else { Err(Error::Invalid(errors)) }
    }

    /// The profile after the change.
    pub fn apply(&self, profile: &Profile) -> Profile {
        Profile {
            first_name: self.first_name.clone().unwrap_or_else(|| profile.first_name.clone()),
            last_name: self.last_name.clone().unwrap_or_else(|| profile.last_name.clone()),
            phone: self.phone.clone().unwrap_or_else(|| profile.phone.clone()),
            locale: self.locale.clone().unwrap_or_else(|| profile.locale.clone()),
        }
    }
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It may.
    Active,
    /// An administrator closed it.
    Deactivated,
}

impl Status {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Deactivated => "deactivated",
        }
    }

    /// From storage.
    pub fn parse(text: &str) -> Option<Status> {
        [Status::Active, Status::Deactivated].into_iter().find(|s| s.as_str() == text)
    }
}

/// A person with an account.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The address, as its owner wrote it.
    pub email: String,
    /// Whether it is proved to be theirs.
    pub email_verified: bool,
    /// Name and so on.
    pub profile: Profile,
    /// Whether there is a picture.
    pub has_photo: bool,
    /// What they may do.
    pub roles: BTreeSet<Role>,
    /// Roles of the marketplace's own making, by name.
    pub custom_roles: BTreeSet<String>,
    /// Whether the account may be used.
    pub status: Status,
    /// Counts changes, from 1.
    pub version: i64,
    /// When they registered.
    pub created_at: Time,
    /// When profile, picture, roles or status last changed.
    pub updated_at: Time,
}

/// What the list of users is searched by: address and name in lower case.
pub fn search_text(email: &str, profile: &Profile) -> String {
    format!("{email} {} {}", profile.first_name, profile.last_name).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_of_a_registration_is_named() {
        let Err(Error::Invalid(errors)) = Registration::new("nobody", "short".into(), " ", &"x".repeat(101)) else { panic!("accepted") };
        let found: Vec<_> = errors.iter().map(|e| (e.pointer.as_str(), e.code)).collect();
        assert_eq!(
            found,
            [("/email", "invalid_email"), ("/password", "too_short"), ("/firstName", "too_short"), ("/lastName", "too_long")]
        );
    }

    #[test]
    fn passwords_have_10_to_200_characters() {
        let cases = [(9, false), (10, true), (200, true), (201, false)];
        for (length, accepted) in cases {
            assert_eq!(Password::parse("é".repeat(length)).is_ok(), accepted, "{length}");
        }
        assert!(!format!("{:?}", Password::parse("correct horse".into()).unwrap()).contains("horse"));
    }

    #[test]
    fn a_profile_change_leaves_what_is_absent() {
        let before = Profile { first_name: "A".into(), last_name: "B".into(), phone: Some("+8801712345678".into()), locale: "en".into() };
        let change = ProfileChange { last_name: Some(" C ".into()), phone: Some(None), ..ProfileChange::default() }.check().unwrap();
        let after = change.apply(&before);
        assert_eq!(after, Profile { last_name: "C".into(), phone: None, ..before });
    }
}
