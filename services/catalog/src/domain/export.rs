//! Products as an import takes them again.

use contracts::{Money, WarehouseId};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::{Kind, MediaInput, Status};

/// A product with all that an import takes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExportedProduct {
    /// Its name within its store.
    pub handle: String,
    /// Its store's id.
    pub vendor: String,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: String,
    /// Who makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// How it is delivered.
    pub kind: Kind,
    /// Where it is in its life.
    pub status: Status,
    /// Where it is filed: names from the root such as `Clothes > Shirts`, several joined by `|`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Names and values.
    #[schema(value_type = Object)]
    pub attributes: Map<String, Json>,
    /// Pictures, with their addresses in full.
    pub media: Vec<MediaInput>,
    /// What can be bought.
    pub variants: Vec<ExportedVariant>,
}

/// A variant with all that an import takes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedVariant {
    /// The store's own number.
    pub sku: String,
    /// Such as `M / Blue`.
    pub title: String,
    /// Size, colour, ….
    #[schema(value_type = Object)]
    pub options: Map<String, Json>,
    /// What it costs.
    pub price: Money,
    /// What it cost before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare_at_price: Option<Money>,
    /// For shipping.
    pub weight_grams: i64,
    /// At how many left the store wants to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_stock_at: Option<i64>,
    /// How many there are, and where; what is reserved is among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stock: Vec<ExportedStock>,
}

/// How many of a variant lie in one place.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedStock {
    /// Where; absent for the first warehouse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warehouse_id: Option<WarehouseId>,
    /// How many.
    pub on_hand: i64,
}
