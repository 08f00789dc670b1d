//! Refresh tokens: opaque, 256 random bits, of which only the SHA-256 is stored.
//!
//! Each one works once; its answer brings the next. One that comes a second time means that two parties hold it, and
//! nobody can tell which of them is the owner: the whole session ends. There is deliberately no time of grace for a
//! client that lost the answer: within it a thief could renew as well. Such a client signs in again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kit::Ids;
use sha2::{Digest, Sha256};

/// Bytes of a refresh token.
const BYTES: usize = 32;

/// A refresh token, as its owner holds it; never stored or logged.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken([u8; BYTES]);

impl RefreshToken {
    /// A new one.
    pub fn draw(ids: &Ids) -> RefreshToken {
        RefreshToken(ids.bytes())
    }

    /// From a request; `None` for what cannot be one.
    pub fn parse(text: &str) -> Option<RefreshToken> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(RefreshToken)
    }

    /// For the answer.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is stored. The token is random, so that a plain hash cannot be guessed at.
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0).to_vec()
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshToken(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_only_in_its_own_form() {
        let token = RefreshToken::draw(&Ids::seeded(1));
        let text = token.reveal();
        assert_eq!(text.len(), 43);
        assert_eq!(RefreshToken::parse(&text), Some(token.clone()));
        for wrong in ["", "x", &text[1..], &format!("{text}A"), &format!("{text}="), &text.replace(&text[..1], "+")] {
            assert_eq!(RefreshToken::parse(wrong), None, "{wrong}");
        }
        assert!(!format!("{token:?}").contains(&text));
    }
}
