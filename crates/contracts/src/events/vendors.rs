//! What happens to stores.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{UserId, VendorId};

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

/// A store's owner asks somebody to work there. They do once they have accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VendorStaffInvited {
    /// Which invitation: who declined and is asked again gets another one.
    pub invitation_id: Uuid,
    /// The store.
    pub vendor_id: VendorId,
    /// Who is asked.
    pub user_id: UserId,
}

crate::declare_events! { "vendors";
    VendorUpdated = "vendor.updated" v 1 by vendor_id,
    VendorStaffInvited = "vendor.staff_invited" v 1 by vendor_id,
}
