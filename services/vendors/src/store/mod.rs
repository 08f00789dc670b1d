//! Every SQL statement of the service.

pub(crate) mod commission;
pub(crate) mod staff;
pub(crate) mod stores;
