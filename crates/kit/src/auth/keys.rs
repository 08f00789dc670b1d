//! Keys that follow from the master key, one per service and purpose (HKDF-SHA256, RFC 5869).

use hkdf::Hkdf;
use sha2::Sha256;

use super::jws::{PublicKey, Signer};

/// The key that a service signs its service and context tokens with. Who holds the master key can derive that of
/// every service; processes that share no trust do not share a master key.
pub fn service_signer(master_key: &[u8; 32], service: &str) -> Signer {
    Signer::new(&derive(master_key, &format!("haat/service/{service}")))
}

/// What the tokens of `service` are verified with.
pub fn service_public(master_key: &[u8; 32], service: &str) -> PublicKey {
    service_signer(master_key, service).public()
}

/// 32 bytes for one purpose, such as `haat/webhooks/sandbox`. Different purposes give unrelated keys.
pub fn derive(master_key: &[u8; 32], purpose: &str) -> [u8; 32] {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, master_key).expand(purpose.as_bytes(), &mut key).expect("32 bytes are one block of SHA-256");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_by_purpose_and_by_master_and_stay_the_same() {
        let a = derive(&[1; 32], "haat/service/orders");
        assert_eq!(a, derive(&[1; 32], "haat/service/orders"));
        assert_ne!(a, derive(&[1; 32], "haat/service/order"));
        assert_ne!(a, derive(&[2; 32], "haat/service/orders"));
        assert_eq!(service_signer(&[1; 32], "orders").public(), service_public(&[1; 32], "orders"));
    }

    /// A key that changed would make every sealed secret unreadable; computed with another implementation of HKDF.
    #[test]
    fn the_derivation_never_changes() {
        let hexadecimal = crate::auth::hex(&derive(&[0; 32], "haat/service/orders"));
        assert_eq!(hexadecimal, "49d5f0b0c5eacbc4baae5de831eae388c78e9a7122cd03f7bf43b0e983451157");
    }
}
