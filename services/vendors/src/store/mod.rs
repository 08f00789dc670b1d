//! Every SQL statement of the service.

pub(crate) mod commission;
pub(crate) mod figures;
pub(crate) mod shipping;
pub(crate) mod staff;
pub(crate) mod stores;
