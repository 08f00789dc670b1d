use kit::auth::derive;
use sha2::{Digest, Sha256};

/// Hashes what must not lie in a table, such as the e-mail address of somebody who has no account, or a request with a
/// password in it. Without the master key such a hash cannot be guessed at.
#[derive(Clone)]
pub struct Pepper([u8; 32]);

impl Pepper {
    /// From the master key.
    pub fn new(master_key: &[u8; 32]) -> Pepper {
        Pepper(derive(master_key, "haat/identity/pepper"))
    }

    /// Of one kind of thing; the same thing of another kind has another hash.
    pub fn hash(&self, kind: &str, thing: &[u8]) -> Vec<u8> {
        // The lengths of all parts before the last are fixed or marked, so that no two inputs run together.
        Sha256::new().chain_update(self.0).chain_update(kind).chain_update([0]).chain_update(thing).finalize().to_vec()
    }
}
