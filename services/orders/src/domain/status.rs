//! Where an order and its parts stand, and where they may go.

use serde::{Deserialize, Serialize};

/// Where one store's part stands. The order of the variants is the order in which they are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartStatus {
    /// Stock is held; the provider was not asked yet.
    Created,
    /// The payer may act.
    AwaitingPayment,
    /// Could not be paid or filled.
    Failed,
    /// Called off.
    Cancelled,
    /// Not taken at the door; the goods are back with the store.
    Refused,
    /// Paid or promised; the store may pack.
    Confirmed,
    /// Being packed.
    Processing,
    /// With the carrier.
    Shipped,
    /// With the shopper.
    Delivered,
    /// The shopper wants to send something back.
    ReturnRequested,
    /// Some of it came back.
    PartiallyReturned,
    /// All of it came back.
    Returned,
}

impl PartStatus {
    const ALL: [(PartStatus, &'static str); 12] = [
        (PartStatus::Created, "created"),
        (PartStatus::AwaitingPayment, "awaiting_payment"),
        (PartStatus::Failed, "failed"),
        (PartStatus::Cancelled, "cancelled"),
        (PartStatus::Refused, "refused"),
        (PartStatus::Confirmed, "confirmed"),
        (PartStatus::Processing, "processing"),
        (PartStatus::Shipped, "shipped"),
        (PartStatus::Delivered, "delivered"),
        (PartStatus::ReturnRequested, "return_requested"),
        (PartStatus::PartiallyReturned, "partially_returned"),
        (PartStatus::Returned, "returned"),
    ];

    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        PartStatus::ALL.iter().find(|(s, _)| *s == self).map_or("created", |(_, name)| name)
    }

    /// From what is stored or sent.
    pub fn parse(text: &str) -> Option<PartStatus> {
        PartStatus::ALL.iter().find(|(_, name)| *name == text).map(|(s, _)| *s)
    }

    /// The states a store may move its part to from here; there is no skipping.
    pub fn next(self) -> &'static [PartStatus] {
        match self {
            PartStatus::Confirmed => &[PartStatus::Processing],
            PartStatus::Processing => &[PartStatus::Shipped],
            PartStatus::Shipped => &[PartStatus::Delivered, PartStatus::Refused],
            PartStatus::Created | PartStatus::AwaitingPayment | PartStatus::Delivered => &[],
            // These follow from returns.
            PartStatus::ReturnRequested | PartStatus::PartiallyReturned | PartStatus::Returned => &[],
            PartStatus::Failed | PartStatus::Cancelled | PartStatus::Refused => &[],
        }
    }

    /// Whether moving on to `to` is behind it: it is there or further, or has ended without a sale.
    pub fn has_done(self, to: PartStatus) -> bool {
        self.is_dead() || (to >= PartStatus::Confirmed && self >= to)
    }

    /// Ended without a sale.
    pub fn is_dead(self) -> bool {
        matches!(self, PartStatus::Failed | PartStatus::Cancelled | PartStatus::Refused)
    }

    /// Whether it can be given up without anything coming back by a carrier.
    pub fn can_be_called_off(self) -> bool {
        matches!(self, PartStatus::Created | PartStatus::AwaitingPayment | PartStatus::Confirmed | PartStatus::Processing)
    }
}

/// Where an order stands, derived from its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "as the states of parts")]
pub enum OrderStatus {
    Created,
    AwaitingPayment,
    Confirmed,
    Processing,
    /// Some parts are with a carrier, others not yet.
    PartiallyShipped,
    Shipped,
    /// Some parts have arrived, others not yet.
    PartiallyDelivered,
    Delivered,
    /// Final, some days after the last delivery.
    Completed,
    Failed,
    Cancelled,
    /// What was to be shipped was called off; what was delivered without a carrier stays.
    PartiallyCancelled,
    /// The shopper wants to send something back.
    ReturnRequested,
    /// Some of what was delivered came back.
    PartiallyReturned,
    /// Nothing of it was kept.
    Returned,
}

impl OrderStatus {
    /// The least advanced of the live parts, or a partial state where some are shipped or delivered and others are not.
    pub fn of(parts: impl Iterator<Item = PartStatus>, completed: bool) -> OrderStatus {
        let (dead, live): (Vec<_>, Vec<_>) = parts.partition(|s| s.is_dead());
        if completed {
            return OrderStatus::Completed;
        }
        let Some((least, most)) = live.iter().min().zip(live.iter().max()) else {
            return match dead.iter().max() {
                _ if dead.contains(&PartStatus::Failed) => OrderStatus::Failed,
                Some(PartStatus::Refused) => OrderStatus::Returned,
                _ => OrderStatus::Cancelled,
            };
        };
        match (least, most) {
            (PartStatus::Created, _) => OrderStatus::Created,
            (PartStatus::AwaitingPayment, _) => OrderStatus::AwaitingPayment,
            (PartStatus::Returned, _) => OrderStatus::Returned,
            (least, _) if *least >= PartStatus::Delivered => match most {
                _ if live.contains(&PartStatus::ReturnRequested) => OrderStatus::ReturnRequested,
                PartStatus::Delivered if dead.contains(&PartStatus::Cancelled) => OrderStatus::PartiallyCancelled,
                PartStatus::Delivered => OrderStatus::Delivered,
                _ => OrderStatus::PartiallyReturned,
            },
            (_, most) if *most >= PartStatus::Delivered => OrderStatus::PartiallyDelivered,
            (PartStatus::Shipped, _) => OrderStatus::Shipped,
            (_, PartStatus::Shipped) => OrderStatus::PartiallyShipped,
            (PartStatus::Processing, _) => OrderStatus::Processing,
            _ => OrderStatus::Confirmed,
        }
    }

    /// As shown.
    pub fn as_str(self) -> &'static str {
        match self {
            OrderStatus::Created => "created",
            OrderStatus::AwaitingPayment => "awaiting_payment",
            OrderStatus::Confirmed => "confirmed",
            OrderStatus::Processing => "processing",
            OrderStatus::PartiallyShipped => "partially_shipped",
            OrderStatus::Shipped => "shipped",
            OrderStatus::PartiallyDelivered => "partially_delivered",
            OrderStatus::Delivered => "delivered",
            OrderStatus::Completed => "completed",
            OrderStatus::Failed => "failed",
            OrderStatus::Cancelled => "cancelled",
            OrderStatus::PartiallyCancelled => "partially_cancelled",
            OrderStatus::ReturnRequested => "return_requested",
            OrderStatus::PartiallyReturned => "partially_returned",
            OrderStatus::Returned => "returned",
        }
    }
}
