//! Access tokens: what a signed-in caller carries, for 15 minutes.

use contracts::{SessionId, Time, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::jws::{Signer, TokenError, Unverified};
use super::{KeySet, Role, User};

/// `aud` of every access token.
pub const AUDIENCE: &str = "haat";
/// How long an access token lives, in seconds.
pub const ACCESS_SECONDS: i64 = 15 * 60;
/// How far the clocks of two nodes may be apart, in seconds.
pub(super) const SKEW_SECONDS: i64 = 30;
const TYP: &str = "JWT";

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: UserId,
    aud: String,
    exp: i64,
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    jti: Uuid,
    roles: Vec<String>,
    sid: SessionId,
}

/// An access token whose signature, issuer, audience and times hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// Who, in which session, with which roles at the time of issue.
    pub user: User,
    /// Its own id.
    pub id: Uuid,
    /// When it ends.
    pub expires_at: Time,
}

/// A new access token for `user`, issued at `now` by `issuer` (the public address of this marketplace).
pub fn issue_access(signer: &Signer, issuer: &str, user: &User, id: Uuid, now: Time) -> String {
    let iat = now.unix_seconds();
    let claims = Claims {
        iss: issuer.to_owned(),
        sub: user.id,
        aud: AUDIENCE.to_owned(),
        exp: iat + ACCESS_SECONDS,
        iat,
        nbf: None,
        jti: id,
        roles: user.roles.iter().map(|r| r.as_str().to_owned()).collect(),
        sid: user.session,
    };
    signer.sign(TYP, &claims)
}

/// Checks an access token at the moment `now`. Whether its session is still open is another question.
pub fn check_access(token: &str, keys: &KeySet, issuer: &str, now: Time) -> Result<Access, TokenError> {
    let token = Unverified::parse(token)?;
    let claims: Claims = token.claims(TYP, keys.key_of(&token)?)?;
    if claims.iss != issuer {
        return Err(TokenError::Issuer);
    }
    if claims.aud != AUDIENCE {
        return Err(TokenError::Audience);
    }
    check_times(claims.iat.max(claims.nbf.unwrap_or(claims.iat)), claims.exp, now)?;
    let roles = claims.roles.iter().map(|r| Role::parse(r)).collect::<Option<Vec<_>>>().ok_or(TokenError::Claims)?;
    let expires_at = claims.exp.checked_mul(1_000_000).map(Time).ok_or(TokenError::Claims)?;
    Ok(Access { user: User { id: claims.sub, session: claims.sid, roles }, id: claims.jti, expires_at })
}

/// `from` and `until` in seconds since 1970. The end is exact, the beginning forgives clocks that differ.
pub(super) fn check_times(from: i64, until: i64, now: Time) -> Result<(), TokenError> {
    let now = now.unix_seconds();
    if until <= now {
        return Err(TokenError::Expired);
    }
    if from > now.saturating_add(SKEW_SECONDS) {
        return Err(TokenError::NotYet);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: Time = Time(1_800_000_000_000_000);
    const ISSUER: &str = "http://127.0.0.1:8080";

    fn user() -> User {
        let (id, session) = (UserId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)));
        User { id, session, roles: vec![Role::Customer, Role::Vendor] }
    }

    fn check(token: &str, now: Time) -> Result<Access, TokenError> {
        check_access(token, &KeySet::new(vec![Signer::new(&[1; 32]).public()]), ISSUER, now)
    }

    #[test]
    fn an_issued_token_is_believed_until_it_expires() {
        let token = issue_access(&Signer::new(&[1; 32]), ISSUER, &user(), Uuid::from_u128(3), NOW);
        let expires_at = NOW.plus_seconds(ACCESS_SECONDS);
        assert_eq!(check(&token, NOW), Ok(Access { user: user(), id: Uuid::from_u128(3), expires_at }));
        assert!(check(&token, expires_at.plus_seconds(-1)).is_ok());
        assert_eq!(check(&token, expires_at), Err(TokenError::Expired));
        assert_eq!(check(&token, NOW.plus_seconds(-SKEW_SECONDS - 1)), Err(TokenError::NotYet));
    }

    #[test]
    fn a_token_of_another_key_is_not_believed() {
        let token = issue_access(&Signer::new(&[9; 32]), ISSUER, &user(), Uuid::nil(), NOW);
        assert_eq!(check(&token, NOW), Err(TokenError::UnknownKey));
    }

    #[test]
    fn claims_are_checked_one_by_one() {
        let seconds = NOW.unix_seconds();
        let cases: [(&str, Value, Result<(), TokenError>); 16] = [
            ("iss", json!("https://elsewhere.test"), Err(TokenError::Issuer)),
            ("iss", json!(null), Err(TokenError::Claims)),
            ("aud", json!("other"), Err(TokenError::Audience)),
            ("aud", json!(["haat"]), Err(TokenError::Claims)),
            ("exp", json!(seconds), Err(TokenError::Expired)),
            ("exp", json!(seconds + 1), Ok(())),
            ("exp", json!(null), Err(TokenError::Claims)),
            ("exp", json!(1e300), Err(TokenError::Claims)),
            ("exp", json!(i64::MAX), Err(TokenError::Claims)),
            ("iat", json!(seconds + SKEW_SECONDS + 1), Err(TokenError::NotYet)),
            ("iat", json!(seconds + SKEW_SECONDS), Ok(())),
            ("nbf", json!(seconds + SKEW_SECONDS + 1), Err(TokenError::NotYet)),
            ("sub", json!("admin"), Err(TokenError::Claims)),
            ("roles", json!("admin"), Err(TokenError::Claims)),
            ("roles", json!(["root"]), Err(TokenError::Claims)),
            ("more", json!(true), Ok(())),
        ];
        for (claim, value, expected) in cases {
            let mut claims = json!({
                "iss": ISSUER, "sub": Uuid::from_u128(1), "aud": AUDIENCE, "exp": seconds + 60, "iat": seconds,
                "jti": Uuid::from_u128(3), "roles": ["customer"], "sid": Uuid::from_u128(2),
            });
            claims[claim] = value.clone();
            let token = Signer::new(&[1; 32]).sign(TYP, &claims);
            assert_eq!(check(&token, NOW).map(drop), expected, "{claim} = {value}");
        }
    }

    #[test]
    fn a_token_for_another_purpose_is_no_access_token() {
        let claims = json!({"iss": ISSUER, "aud": AUDIENCE});
        let token = Signer::new(&[1; 32]).sign("haat-service", &claims);
        assert_eq!(check(&token, NOW), Err(TokenError::Purpose));
    }
}
