//! Roles: the built-in ones, whose names mean something in tokens and in code, and those that a marketplace makes itself,
//! which are names for routes.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{RoleId, Time};
use kit::Role;

use super::field::optional_line;
use super::{Check, Mistake};
use crate::error::Error;

/// Characters of a name.
const NAME_LENGTH: std::ops::RangeInclusive<usize> = 2..=40;
/// Characters of a description.
const DESCRIPTION_LENGTH_MAX: usize = 300;
/// Routes of one role; more than there are.
const PERMISSIONS_MAX: usize = 500;
/// Words that say of a route who may call it, and are no roles.
const RESERVED: [&str; 4] = ["anybody", "guest", "public", "user"];

/// A role of the marketplace's own making.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomRole {
    /// Which.
    pub id: RoleId,
    /// As it is given and shown; it stays.
    pub name: String,
    /// What it is for and what it opens.
    pub form: RoleForm,
    /// Counts changes, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// What may change of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleForm {
    /// What it is for.
    pub description: String,
    /// The routes that it opens, such as `GET /api/v1/users`.
    pub permissions: BTreeSet<String>,
}

/// Every route there is, and why a role of the marketplace's own making does not open it, where it does not.
pub type Grantable = BTreeMap<String, Option<&'static str>>;

/// A new role: what is wrong with its name is said together with all else that is wrong.
pub fn new_role(name: &str, description: Option<&str>, permissions: &[String], routes: &Grantable) -> Result<(String, RoleForm), Error> {
    let mut check = Check::default();
    let name = check.field("/name", role_name(name));
    match (name, form(description, permissions, routes, &mut check)) {
        (Some(name), Some(form)) => Ok((name, form)),
        _ => Err(Error::Invalid(check.into_errors())),
    }
}

impl RoleForm {
    /// Checked against the routes there are.
    pub fn new(description: Option<&str>, permissions: &[String], routes: &Grantable) -> Result<RoleForm, Error> {
        let mut check = Check::default();
        form(description, permissions, routes, &mut check).ok_or_else(|| Error::Invalid(check.into_errors()))
    }
}

fn form(description: Option<&str>, permissions: &[String], routes: &Grantable, check: &mut Check) -> Option<RoleForm> {
    let description = check.field("/description", optional_line(description, DESCRIPTION_LENGTH_MAX));
    if permissions.len() > PERMISSIONS_MAX {
        let wrong = Mistake::new("too_long", format!("expected at most {PERMISSIONS_MAX} routes, found {}", permissions.len()));
        return check.field("/permissions", Err(wrong));
    }
    let granted: Vec<_> =
        permissions.iter().enumerate().map(|(i, route)| check.field(&format!("/permissions/{i}"), permission(route, routes))).collect();
    let permissions = granted.into_iter().collect::<Option<_>>()?;
    Some(RoleForm { description: description?.unwrap_or_default(), permissions })
}

fn permission(route: &str, routes: &Grantable) -> Result<String, Mistake> {
    match routes.get(route) {
        Some(None) => Ok(route.to_owned()),
        Some(Some(why)) => Err(Mistake::new("not_grantable", format!("{route:?} cannot be granted: {why}"))),
        None => Err(Mistake::new("unknown_route", format!("{route:?} is no route; one is written as GET /api/v1/users"))),
    }
}

/// A slug that no built-in role has, nor ever a word that means something else where roles stand.
fn role_name(text: &str) -> Result<String, Mistake> {
    let is_slug = NAME_LENGTH.contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    if !is_slug {
        let (least, most) = (NAME_LENGTH.start(), NAME_LENGTH.end());
        let detail = format!("expected {least} to {most} small letters and digits in words with hyphens between, such as catalog-editor");
        return Err(Mistake::new("invalid_name", detail));
    }
    if Role::parse(text).is_some() || RESERVED.contains(&text) {
        return Err(Mistake::new("reserved_name", format!("{text:?} has a meaning of its own; choose another name")));
    }
    Ok(text.to_owned())
}

/// The roles that somebody shall have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedRoles {
    /// The built-in ones; everybody is a customer.
    pub roles: BTreeSet<Role>,
    /// What is none of these, each with its place among the names.
    pub others: Vec<(usize, String)>,
}

impl WantedRoles {
    /// By their names. Whether the others are there, only the tables know.
    pub fn new(names: &[String]) -> WantedRoles {
        let mut wanted = WantedRoles { roles: BTreeSet::from([Role::Customer]), others: Vec::new() };
        for (place, name) in names.iter().enumerate() {
            match Role::parse(name).filter(|role| assignable(*role)) {
                Some(role) => drop(wanted.roles.insert(role)),
                None => wanted.others.push((place, name.clone())),
            }
        }
        wanted
    }

    /// The roles of the marketplace's own making among the others; who is not `there` is nothing at all.
    pub fn custom(&self, there: &BTreeSet<String>) -> Result<BTreeSet<String>, Error> {
        let mut check = Check::default();
        let mut custom = BTreeSet::new();
        for (place, name) in &self.others {
            let unknown = || Mistake::new("unknown_role", format!("{name:?} is not a role that a person can have"));
            custom.extend(check.field(&format!("/roles/{place}"), there.get(name).cloned().ok_or_else(unknown)));
        }
        let errors = check.into_errors();
        if errors.is_empty() { Ok(custom) } else { Err(Error::Invalid(errors)) }
    }
}

/// Whether a person may have the role; `service` is for programs.
pub fn assignable(role: Role) -> bool {
    role != Role::Service
}

/// Whether another service may give the role by itself; support and admin only come from an administrator.
pub fn grantable(role: Role) -> bool {
    assignable(role) && !matches!(role, Role::Support | Role::Admin)
}

/// The built-in roles a person shall have; everybody is a customer.
pub fn parse_roles(names: &[String]) -> Result<BTreeSet<Role>, Error> {
    let wanted = WantedRoles::new(names);
    wanted.custom(&BTreeSet::new())?;
    Ok(wanted.roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Grantable {
        [("GET /a", None), ("PUT /a", None), ("PUT /roles", Some("it is the fence itself"))].map(|(r, why)| (r.to_owned(), why)).into()
    }

    fn mistakes<T: std::fmt::Debug>(found: Result<T, Error>) -> Vec<(String, &'static str)> {
        let Err(Error::Invalid(errors)) = found else { panic!("accepted: {found:?}") };
        errors.into_iter().map(|e| (e.pointer, e.code)).collect()
    }

    #[test]
    fn names_are_slugs_that_mean_nothing_else() {
        let longest = "a".repeat(40);
        for fine in ["catalog-editor", "ab", "a1-2b", longest.as_str()] {
            assert_eq!(role_name(fine).as_deref(), Ok(fine));
        }
        let longer = "a".repeat(41);
        for wrong in ["", "a", "A-b", "-ab", "ab-", "a--b", "1ab", "a b", "a_b", "admin\0", "admin ", "аdmin", "é-e", longer.as_str()] {
            assert_eq!(role_name(wrong).unwrap_err().code, "invalid_name", "{wrong:?}");
        }
        for taken in Role::all().map(Role::as_str).chain(RESERVED) {
            assert_eq!(role_name(taken).unwrap_err().code, "reserved_name", "{taken}");
        }
    }

    #[test]
    fn every_mistake_of_a_role_is_named() {
        let sent = ["GET /a", "put /a", "PUT /roles", "GET /b", "GET /a "].map(str::to_owned);
        let found = mistakes(new_role("Admin", Some("a\nb"), &sent, &routes()));
        let expected = [
            ("/name", "invalid_name"),
            ("/description", "control_character"),
            ("/permissions/1", "unknown_route"),
            ("/permissions/2", "not_grantable"),
            ("/permissions/3", "unknown_route"),
            ("/permissions/4", "unknown_route"),
        ];
        assert_eq!(found, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
        assert_eq!(mistakes(RoleForm::new(None, &vec!["GET /a".to_owned(); 501], &routes())), [("/permissions".to_owned(), "too_long")]);
        let twice = ["PUT /a", "GET /a", "PUT /a"].map(str::to_owned);
        let (name, form) = new_role("editor", None, &twice, &routes()).unwrap();
        assert_eq!((name.as_str(), form.description.as_str()), ("editor", ""));
        assert_eq!(form.permissions, ["GET /a", "PUT /a"].map(str::to_owned).into());
    }

    #[test]
    fn roles_always_hold_customer_and_never_service() {
        assert_eq!(parse_roles(&[]).unwrap(), BTreeSet::from([Role::Customer]));
        assert_eq!(parse_roles(&["admin".into()]).unwrap(), BTreeSet::from([Role::Customer, Role::Admin]));
        for wrong in ["service", "Admin", "", "root"] {
            assert!(parse_roles(&[wrong.into()]).is_err(), "{wrong}");
        }
        assert!(!grantable(Role::Admin) && !grantable(Role::Support) && !grantable(Role::Service) && grantable(Role::Vendor));
    }

    #[test]
    fn other_names_are_roles_where_they_are_there() {
        let wanted = WantedRoles::new(&["editor", "vendor", "service", "root", "editor"].map(str::to_owned));
        assert_eq!(wanted.roles, BTreeSet::from([Role::Customer, Role::Vendor]));
        let there = BTreeSet::from(["editor".to_owned()]);
        let unknown = [("/roles/2", "unknown_role"), ("/roles/3", "unknown_role")].map(|(pointer, code)| (pointer.to_owned(), code));
        assert_eq!(mistakes(wanted.custom(&there)), unknown);
        assert_eq!(WantedRoles::new(&["editor".to_owned()]).custom(&there).unwrap(), there);
    }
}
