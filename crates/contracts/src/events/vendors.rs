//! What happens to stores.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::VendorId;

/// A store says something else of itself; these are its words from now on, as far as others show them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VendorUpdated {
    /// The store.
    pub vendor_id: VendorId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// active or suspended.
    pub status: String,
}

crate::declare_events! { "vendors";
    VendorUpdated = "vendor.updated" v 1 by vendor_id,
}
