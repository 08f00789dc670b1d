//! Who is calling, and how it is proved: access tokens of users, tokens between services, keys, sealed secrets.

mod access;
mod internal;
mod jwks;
mod jws;
mod keys;
mod seal;
mod secret;

pub use access::{ACCESS_SECONDS, AUDIENCE, Access, check_access, issue_access};
pub use internal::{INTERNAL_SECONDS, ServiceKeys, Vouched, issue_context, issue_service};
pub use jwks::KeySet;
pub use jws::{PublicKey, Signer, TokenError, Unverified};
pub use keys::{derive, service_public, service_signer};
pub use seal::{OpenError, open, seal};
pub use secret::timed_secret;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use contracts::{SessionId, UserId};

use crate::Problem;

/// What somebody may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Anyone who registered.
    Customer,
    /// Sells.
    Vendor,
    /// Sells on.
    Reseller,
    /// Advertises.
    Influencer,
    /// Teaches.
    Instructor,
    /// Helps.
    Support,
    /// Runs the marketplace.
    Admin,
    /// Another program.
    Service,
}

impl Role {
    const ALL: [(Role, &'static str); 8] = [
        (Role::Customer, "customer"),
        (Role::Vendor, "vendor"),
        (Role::Reseller, "reseller"),
        (Role::Influencer, "influencer"),
        (Role::Instructor, "instructor"),
        (Role::Support, "support"),
        (Role::Admin, "admin"),
        (Role::Service, "service"),
    ];

    /// Every role.
    pub fn all() -> impl Iterator<Item = Role> {
        Role::ALL.iter().map(|(role, _)| *role)
    }

    /// As in tokens and in the API.
    pub fn as_str(self) -> &'static str {
        Role::ALL.iter().find(|(r, _)| *r == self).map_or("customer", |(_, name)| name)
    }

    /// From tokens and the API.
    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.iter().find(|(_, name)| *name == text).map(|(r, _)| *r)
    }
}

/// A signed-in user.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// In which session.
    pub session: SessionId,
    /// With which roles.
    pub roles: Vec<Role>,
}

/// Who is calling, as the gateway found out. A service gets it as a request extension, or from a signed
/// context token when the gateway is elsewhere; never from a plain header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Caller {
    /// The user, where signed in.
    pub user: Option<User>,
    /// The guest's cart token, as sent.
    pub cart_token: Option<String>,
    /// The client's address, for limits.
    pub address: Option<std::net::IpAddr>,
}

impl Caller {
    /// The user, or `401`.
    pub fn user(&self) -> Result<&User, Problem> {
        self.user.as_ref().ok_or_else(|| Problem::unauthenticated("sign in first: this needs an access token"))
    }

    /// Whether the user has one of the roles.
    pub fn has(&self, roles: &[Role]) -> bool {
        self.user.as_ref().is_some_and(|u| u.roles.iter().any(|r| roles.contains(r)))
    }

    /// Hash of the guest's cart token: what may be stored of it. SHA-256 in hexadecimal, behind the token's moment and a
    /// hyphen where it begins with one.
    pub fn guest_hash(&self) -> Option<String> {
        self.cart_token.as_deref().map(secret::hash)
    }

    /// The scope of an idempotency key: the user, or the guest's cart, or nobody.
    pub fn scope(&self) -> String {
        match (&self.user, self.guest_hash()) {
            (Some(user), _) => format!("user:{}", user.id),
            (None, Some(hash)) => format!("guest:{hash}"),
            (None, None) => "anonymous".into(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        Ok(parts.extensions.get::<Caller>().cloned().unwrap_or_default())
    }
}

/// Bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
}
