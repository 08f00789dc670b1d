//! Places that hold stock.

use contracts::{Time, VendorId, WarehouseId};
use kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many left is few, where a variant does not say.
pub const LOW_STOCK_AT: i64 = 5;

/// With what code the first warehouse begins. Nobody else has it, whatever that one is called later.
pub const MAIN_CODE: &str = "main";

/// A place that holds stock.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Warehouse {
    /// The warehouse.
    pub id: WarehouseId,
    /// Its short name.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The store whose own it is; null for the marketplace's, which all stores use.
    pub vendor_id: Option<VendorId>,
    /// For entity tags.
    #[serde(skip)]
    pub version: i64,
    /// When it came into being.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// A warehouse as a caller sends it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WarehouseInput {
    /// Unique; 1 to 60 lower-case letters, digits and hyphens.
    pub code: String,
    /// 1 to 200 characters.
    pub name: String,
    /// The store whose own it is. An administrator leaves it out for one of the marketplace; a seller with one store may.
    pub vendor_id: Option<VendorId>,
}

impl WarehouseInput {
    /// Says everything that is wrong with it.
    pub fn check(mut self) -> Result<WarehouseInput, Vec<FieldError>> {
        let mut errors = Vec::new();
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.code.is_empty() || self.code.len() > 60 || !self.code.chars().all(fits) {
            let detail = "a code has 1 to 60 lower-case letters, digits and hyphens".into();
            errors.push(FieldError { pointer: "/code".into(), code: "malformed", detail });
        }
        self.name = self.name.trim().to_owned();
        if self.name.is_empty() || self.name.chars().count() > 200 {
            errors.push(FieldError { pointer: "/name".into(), code: "length", detail: "a name has 1 to 200 characters".into() });
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }
}
