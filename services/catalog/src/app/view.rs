//! Stock as callers see it.

use contracts::{OrderId, Time, VariantId, WarehouseId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Product;
use crate::store::{Level, StoredMovement};

/// Stock of one variant in one warehouse. Anonymous callers see only what is available, over all warehouses.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InventoryLevel {
    /// The variant.
    variant_id: VariantId,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    warehouse_id: Option<WarehouseId>,
    /// How many lie there.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_hand: Option<i64>,
    /// How many of them are held for orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    reserved: Option<i64>,
    /// How many can be bought; null where it never runs out.
    available: Option<i64>,
}

/// A product's stock.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Inventory {
    data: Vec<InventoryLevel>,
}

impl Inventory {
    /// By warehouse.
    pub fn by_warehouse(levels: Vec<Level>) -> Inventory {
        let level = |l: Level| InventoryLevel {
            variant_id: l.variant_id,
            warehouse_id: Some(l.warehouse_id),
            on_hand: Some(l.on_hand),
            reserved: Some(l.reserved),
            available: Some(l.on_hand - l.reserved),
        };
        Inventory { data: levels.into_iter().map(level).collect() }
    }

    /// In sum.
    pub fn in_sum(product: &Product) -> Inventory {
        let sum = |v: &crate::domain::Variant| InventoryLevel {
            variant_id: v.id,
            warehouse_id: None,
            on_hand: None,
            reserved: None,
            available: v.available,
        };
        Inventory { data: product.variants.iter().map(sum).collect() }
    }
}

/// A change of what is on hand.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StockMovement {
    /// The movement.
    pub id: uuid::Uuid,
    /// What.
    variant_id: VariantId,
    /// Where.
    warehouse_id: WarehouseId,
    /// `received`, `adjusted`, `shipped`, `restocked` or `repaired`.
    kind: String,
    /// How many more, or fewer.
    delta: i64,
    /// On hand after it.
    on_hand: i64,
    /// The order for which it was.
    order_id: Option<OrderId>,
    /// Why.
    reason: String,
    /// Who, such as `user:<id>`; null for the platform itself.
    actor: Option<String>,
    /// When.
    pub created_at: Time,
}

impl From<StoredMovement> for StockMovement {
    fn from(stored: StoredMovement) -> StockMovement {
        let m = stored.movement;
        StockMovement {
            id: stored.id,
            variant_id: m.variant_id,
            warehouse_id: m.warehouse_id,
            kind: m.kind,
            delta: m.delta,
            on_hand: m.on_hand,
            order_id: m.reservation_id.map(|r| OrderId(r.0)),
            reason: m.reason,
            actor: m.actor,
            created_at: stored.created_at,
        }
    }
}
