//! What accounts, sessions and addresses may look like. No clock, no database, no HTTP.

mod address;
mod email;
mod field;
mod link;
mod photo;
mod role;
mod session;
mod settings;
mod user;

pub use address::{Address, AddressForm};
pub use email::Email;
pub use field::{Check, Mistake};
pub use link::Purpose;
pub use photo::{ImageKind, PHOTO_BYTES_MAX, Photo};
pub use role::{CustomRole, Grantable, RoleForm, WantedRoles, assignable, grantable, new_role, parse_roles};
pub use session::Session;
pub use settings::{Measurements, Preferences, Setting};
pub use user::{Password, Profile, ProfileChange, Registration, Status, User, search_text};
