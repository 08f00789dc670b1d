//! Ids: version 7 UUIDs, one type per kind of thing so that they cannot be mixed up.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
                 schemars::JsonSchema, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, format = Uuid)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map($name)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                $name(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )+};
}

ids! {
    /// A person who can sign in.
    UserId,
    /// A sign-in on one device.
    SessionId,
    /// A role of the marketplace's own making.
    RoleId,
    /// A store; the word in the API is vendor.
    VendorId,
    /// A product with one or more variants.
    ProductId,
    /// What is actually bought: one size and colour of a product.
    VariantId,
    /// A node of the category tree.
    CategoryId,
    /// A place that holds stock.
    WarehouseId,
    /// Stock held for an order; equal to the order's id.
    ReservationId,
    /// A cart, of a user or of a guest.
    CartId,
    /// One line of a cart.
    CartItemId,
    /// A price that is held for a while.
    QuoteId,
    /// A purchase, over all its stores.
    OrderId,
    /// One store's part of an order.
    VendorOrderId,
    /// A line of a vendor order.
    OrderLineId,
    /// Goods of an order on their way back.
    ReturnId,
    /// A payment for an order.
    PaymentId,
    /// A refund of a payment.
    RefundId,
    /// Cash that changed hands at a door.
    CollectionId,
    /// Cash that was handed over by whoever collected it.
    RemittanceId,
    /// A double-entry journal.
    JournalId,
    /// A message to somebody over one channel.
    NotificationId,
    /// An address that is told of events.
    WebhookId,
    /// An event on its way to such an address.
    WebhookDeliveryId,
    /// A saga.
    SagaId,
    /// An event.
    EventId,
}
