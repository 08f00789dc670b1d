//! Webhooks: who is told of which events, what of them, and when it is tried again.

mod filter;
mod message;
mod schedule;

use contracts::VendorId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use filter::Filter;
pub(crate) use message::{Happened, TEST_EVENT, descriptions, is_for_stores, message_id, payload, stores_named, test_payload};
pub(crate) use schedule::{Next, Reply, next, rest_seconds};

/// Whose an endpoint is, and so which events it may hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// The marketplace's own: everything.
    Marketplace,
    /// A store's: its parts of orders.
    Store(VendorId),
}

impl Owner {
    /// As stored: the marketplace is the nil id.
    pub fn to_id(self) -> Uuid {
        match self {
            Owner::Marketplace => Uuid::nil(),
            Owner::Store(vendor) => vendor.0,
        }
    }

    /// From what is stored.
    pub fn from_id(id: Uuid) -> Owner {
        if id.is_nil() { Owner::Marketplace } else { Owner::Store(VendorId(id)) }
    }

    /// The store; none for the marketplace.
    pub fn store(self) -> Option<VendorId> {
        match self {
            Owner::Marketplace => None,
            Owner::Store(vendor) => Some(vendor),
        }
    }
}

/// Why an endpoint is told nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DisabledReason {
    /// Its owner said so.
    Owner,
    /// It answered `410 Gone`.
    Gone,
    /// It has done nothing but fail for days.
    Failing,
}

impl DisabledReason {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            DisabledReason::Owner => "owner",
            DisabledReason::Gone => "gone",
            DisabledReason::Failing => "failing",
        }
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<DisabledReason> {
        [DisabledReason::Owner, DisabledReason::Gone, DisabledReason::Failing].into_iter().find(|r| r.as_str() == text)
    }
}
