//! Tokens between services: who calls, and for whom.

use std::net::IpAddr;

use contracts::{SessionId, Time, UserId};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::access::check_times;
use super::jws::{PublicKey, Signer, TokenError, Unverified};
use super::keys::service_public;
use super::{Caller, Role, User};

/// How long a token between services lives, in seconds.
pub const INTERNAL_SECONDS: i64 = 60;
const SERVICE: &str = "haat-service";
const CONTEXT: &str = "haat-context";

#[derive(Serialize, Deserialize)]
struct ServiceClaims {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
}

#[derive(Serialize, Deserialize)]
struct ContextClaims {
    #[serde(flatten)]
    from_to: ServiceClaims,
    rid: Option<String>,
    act: Option<String>,
    user: Option<UserClaims>,
    cart: Option<String>,
    address: Option<IpAddr>,
}

#[derive(Serialize, Deserialize)]
struct UserClaims {
    sub: UserId,
    sid: SessionId,
    roles: Vec<String>,
}

/// A call as one service vouches for it to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Vouched {
    /// The calling service.
    pub from: &'static str,
    /// The called service.
    pub to: &'static str,
    /// For whom.
    pub caller: Caller,
    /// The id of the request.
    pub request_id: Option<String>,
    /// Who acts.
    pub actor: Option<String>,
}

/// A token that says: this call comes from `from` and is for `to`.
pub fn issue_service(signer: &Signer, from: &str, to: &str, now: Time) -> String {
    signer.sign(SERVICE, &ServiceClaims::new(from, to, now))
}

/// A token that says: `from` has found out that this request to `to` is made by `caller`. Of a guest's cart token it
/// carries the hash only; the token itself travels in its own header.
pub fn issue_context(signer: &Signer, from: &str, to: &str, caller: &Caller, now: Time) -> String {
    let context = crate::Context::current();
    let user = caller.user.as_ref().map(|u| UserClaims {
        sub: u.id,
        sid: u.session,
        roles: u.roles.iter().map(|r| r.as_str().to_owned()).collect(),
    });
    let from_to = ServiceClaims::new(from, to, now);
    let (rid, act) = (context.request_id, context.actor);
    signer.sign(CONTEXT, &ContextClaims { from_to, rid, act, user, cart: caller.guest_hash(), address: caller.address })
}

/// The public keys of all declared services.
#[derive(Clone, Debug)]
pub struct ServiceKeys(Vec<(&'static str, PublicKey)>);

impl ServiceKeys {
    /// Of these services, under one master key.
    pub fn new(master_key: &[u8; 32], services: Vec<&'static str>) -> ServiceKeys {
        ServiceKeys(services.into_iter().map(|s| (s, service_public(master_key, s))).collect())
    }

    /// Who calls whom by a service token, and until when the token may be believed.
    pub fn check_service(&self, token: &str, now: Time) -> Result<(&'static str, &'static str, Time), TokenError> {
        let token = Unverified::parse(token)?;
        let (issuer, key) = self.issuer(&token)?;
        let claims: ServiceClaims = token.claims(SERVICE, key)?;
        let callee = self.check(&claims, issuer, now)?;
        Ok((issuer, callee, Time(claims.exp.saturating_mul(1_000_000))))
    }

    /// Who calls whom, for whom, by a context token. `cart_token` is what came beside it.
    pub fn check_context(&self, token: &str, cart_token: Option<&str>, now: Time) -> Result<Vouched, TokenError> {
        let token = Unverified::parse(token)?;
        let (from, key) = self.issuer(&token)?;
        let claims: ContextClaims = token.claims(CONTEXT, key)?;
        let to = self.check(&claims.from_to, from, now)?;
        let user = claims.user.map(UserClaims::into_user).transpose()?;
        let caller = Caller { user, cart_token: cart_token.map(str::to_owned), address: claims.address };
        let same_cart = match (caller.guest_hash(), claims.cart) {
            (Some(found), Some(expected)) => found.as_bytes().ct_eq(expected.as_bytes()).into(),
            (found, expected) => found == expected,
        };
        if !same_cart {
            return Err(TokenError::Claims);
        }
        Ok(Vouched { from, to, caller, request_id: claims.rid, actor: claims.act })
    }

    fn issuer(&self, token: &Unverified) -> Result<(&'static str, &PublicKey), TokenError> {
        let kid = token.kid().ok_or(TokenError::UnknownKey)?;
        self.0.iter().find(|(_, key)| key.kid() == kid).map(|(name, key)| (*name, key)).ok_or(TokenError::UnknownKey)
    }

    /// The callee, where issuer, audience and times are right.
    fn check(&self, claims: &ServiceClaims, issuer: &str, now: Time) -> Result<&'static str, TokenError> {
        if claims.iss != issuer {
            return Err(TokenError::Issuer);
        }
        check_times(claims.iat, claims.exp, now)?;
        if claims.exp.saturating_sub(claims.iat) > INTERNAL_SECONDS {
            return Err(TokenError::Claims);
        }
        self.0.iter().find(|(name, _)| *name == claims.aud).map(|(name, _)| *name).ok_or(TokenError::Audience)
    }
}

impl ServiceClaims {
    fn new(from: &str, to: &str, now: Time) -> ServiceClaims {
        let iat = now.unix_seconds();
        ServiceClaims { iss: from.to_owned(), aud: to.to_owned(), iat, exp: iat + INTERNAL_SECONDS }
    }
}

impl UserClaims {
    fn into_user(self) -> Result<User, TokenError> {
        let roles = self.roles.iter().map(|r| Role::parse(r)).collect::<Option<Vec<_>>>().ok_or(TokenError::Claims)?;
        Ok(User { id: self.sub, session: self.sid, roles })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::auth::service_signer;

    const MASTER: [u8; 32] = [9; 32];
    const NOW: Time = Time(1_800_000_000_000_000);

    fn keys() -> ServiceKeys {
        ServiceKeys::new(&MASTER, vec!["gateway", "orders", "cart"])
    }

    fn caller() -> Caller {
        let user = User { id: UserId(Uuid::from_u128(1)), session: SessionId(Uuid::from_u128(2)), roles: vec![Role::Admin] };
        Caller { user: Some(user), cart_token: Some("a cart".into()), address: "192.0.2.1".parse().ok() }
    }

    #[test]
    fn a_service_token_names_caller_and_callee_for_a_minute() {
        let token = issue_service(&service_signer(&MASTER, "orders"), "orders", "cart", NOW);
        let until = NOW.plus_seconds(INTERNAL_SECONDS);
        assert_eq!(keys().check_service(&token, NOW), Ok(("orders", "cart", until)));
        assert_eq!(keys().check_service(&token, until), Err(TokenError::Expired));
        assert_eq!(keys().check_context(&token, None, NOW), Err(TokenError::Purpose));
    }

    #[test]
    fn nobody_vouches_in_the_name_of_another() {
        let orders = service_signer(&MASTER, "orders");
        let cases = [
            (issue_service(&orders, "gateway", "cart", NOW), TokenError::Issuer),
            (issue_service(&orders, "orders", "nobody", NOW), TokenError::Audience),
            (issue_service(&service_signer(&MASTER, "nobody"), "nobody", "cart", NOW), TokenError::UnknownKey),
            (issue_service(&service_signer(&[1; 32], "orders"), "orders", "cart", NOW), TokenError::UnknownKey),
            (orders.sign(SERVICE, &ServiceClaims { exp: i64::MAX, ..ServiceClaims::new("orders", "cart", NOW) }), TokenError::Claims),
        ];
        for (token, expected) in cases {
            assert_eq!(keys().check_service(&token, NOW), Err(expected), "{token}");
        }
    }

    #[test]
    fn a_context_token_carries_the_caller() {
        let token = issue_context(&service_signer(&MASTER, "gateway"), "gateway", "orders", &caller(), NOW);
        let vouched = keys().check_context(&token, Some("a cart"), NOW).unwrap();
        assert_eq!((vouched.from, vouched.to, vouched.caller), ("gateway", "orders", caller()));
        let payload = Unverified::parse(&token).unwrap().verify(&service_public(&MASTER, "gateway")).unwrap();
        assert!(!String::from_utf8(payload).unwrap().contains("a cart"), "the cart token itself is not inside");
        for cart in [None, Some("another cart")] {
            assert_eq!(keys().check_context(&token, cart, NOW), Err(TokenError::Claims), "{cart:?}");
        }
        let guest = issue_context(&service_signer(&MASTER, "gateway"), "gateway", "orders", &Caller::default(), NOW);
        assert_eq!(keys().check_context(&guest, None, NOW).unwrap().caller, Caller::default());
        assert_eq!(keys().check_context(&guest, Some("a cart"), NOW), Err(TokenError::Claims));
    }
}
