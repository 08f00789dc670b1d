//! Configuration: read whole and checked before anything opens.
//!
//! Defaults, then `haat.toml`, then `HAAT_…` variables (two underscores where the file has a dot), then flags; the
//! later wins. A key that nobody knows is refused, and all mistakes are told at once: which key, what was found, what
//! is allowed. What each key means stands once, in [`KEYS`].

mod error;
mod keys;
mod master_key;
mod network;
mod settings;
mod sources;

pub use error::{ConfigError, Mistake};
pub use keys::{Explained, KEYS, Key};
pub use network::Network;
pub use settings::{DatabaseUrl, Profile, Settings};
pub use sources::{Source, Sources};
