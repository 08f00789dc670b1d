//! Secrets that begin with the moment at which they were made, and what may be stored of them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use contracts::Time;
use sha2::{Digest, Sha256};

use super::hex;
use crate::Ids;
use crate::clock::millis48;

/// Hexadecimal digits of the millisecond.
const MOMENT_DIGITS: usize = 12;
/// With them, a hyphen and 32 random bytes as base64url.
const LENGTH: usize = MOMENT_DIGITS + 1 + 43;

/// A secret: the millisecond in hexadecimal, a hyphen, and 256 random bits as base64url. What is kept under secrets of one time
/// lies together in each index then; were they random from their beginning, each would have a page of its own changed.
pub fn timed_secret(ids: &Ids, now: Time) -> String {
    format!("{:0MOMENT_DIGITS$x}-{}", millis48(now), BASE64_URL_SAFE_NO_PAD.encode(ids.bytes::<32>()))
}

/// SHA-256 of a secret in hexadecimal; behind its moment, where it has one.
pub(super) fn hash(secret: &str) -> String {
    let whole = hex(&Sha256::digest(secret.as_bytes()));
    match moment(secret) {
        Some(moment) => format!("{moment}-{whole}"),
        None => whole,
    }
}

fn moment(secret: &str) -> Option<&str> {
    let (moment, _) = secret.split_once('-')?;
    let is_moment = moment.len() == MOMENT_DIGITS && moment.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (is_moment && secret.len() == LENGTH).then_some(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_and_its_hash_begin_with_their_moment() {
        let ids = Ids::random();
        let secrets = [0, 1_795_371_249_179_619, 1_795_371_249_180_000].map(|now| timed_secret(&ids, Time(now)));
        assert!(secrets[1].starts_with("01a204772e1b-"), "{secrets:?}");
        assert!(secrets.iter().all(|t| t.len() == LENGTH), "{secrets:?}");
        let hashes = secrets.each_ref().map(|t| hash(t));
        assert!(hashes.is_sorted(), "{hashes:?}");
        for (secret, hashed) in secrets.iter().zip(hashes) {
            assert_eq!(hashed, format!("{}-{}", &secret[..12], hex(&Sha256::digest(secret.as_bytes()))));
        }
    }

    #[test]
    fn any_other_text_is_its_sha_256() {
        let x = "x".repeat(43);
        let others = [String::new(), x.clone(), format!("01A204772E1B-{x}"), format!("01a204772e1b-{x}x"), format!("01a204772e1-{x}x")];
        for other in others {
            assert_eq!(hash(&other), hex(&Sha256::digest(other.as_bytes())), "{other}");
        }
    }
}
