//! Every SQL statement of the service.

pub mod addresses;
pub mod attempts;
pub mod keys;
pub mod links;
pub mod photos;
pub mod roles;
pub mod sessions;
pub mod settings;
pub mod users;

use kit::db::DbError;

pub use photos::StoredPhoto;
pub use settings::StoredSetting;

/// For text that only this service writes: a wrong one is a mistake here.
fn known<T>(parsed: Option<T>, what: &str, text: &str) -> Result<T, DbError> {
    parsed.ok_or_else(|| DbError::Internal(format!("stored {what} {text:?}")))
}
