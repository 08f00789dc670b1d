//! What a product is.

use std::collections::BTreeSet;

use contracts::{CategoryId, Currency, Money, ProductId, Time, VariantId, VendorId, WarehouseId};
use kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

/// The most variants a product can have.
pub const VARIANTS_MAX: usize = 100;
/// In how many categories a product can be.
pub const CATEGORIES_MAX: usize = 20;
/// In how many places a variant can be.
pub const PLACES_MAX: usize = 50;
/// The most of one variant in one place.
pub const STOCK_MAX: i64 = 1_000_000_000;
/// The highest price, in minor units.
pub const PRICE_MAX: i64 = 1_000_000_000_000;

/// How a product is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Ships from a warehouse.
    Physical,
    /// Delivered at confirmation; never out of stock.
    Digital,
    /// Enrols the buyer; never out of stock.
    Course,
}

impl Kind {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Physical => "physical",
            Kind::Digital => "digital",
            Kind::Course => "course",
        }
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<Kind> {
        [Kind::Physical, Kind::Digital, Kind::Course].into_iter().find(|k| k.as_str() == text)
    }
}

/// Where a product is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Seen by its store only.
    Draft,
    /// For sale.
    #[default]
    Published,
    /// No longer for sale.
    Archived,
}

impl Status {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Draft => "draft",
            Status::Published => "published",
            Status::Archived => "archived",
        }
    }
}

/// A product as a caller sends it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductInput {
    /// The store; may be left out by a user with one store.
    pub vendor_id: Option<VendorId>,
    /// Unique in the store; made from the title where left out.
    pub handle: Option<String>,
    /// physical where left out.
    pub kind: Option<Kind>,
    /// published where left out.
    #[serde(default)]
    pub status: Status,
    /// 1 to 200 characters.
    pub title: String,
    /// Up to 20,000 characters.
    #[serde(default)]
    pub description: String,
    /// Who makes it.
    pub brand: Option<String>,
    /// Where it is filed.
    #[serde(default)]
    pub category_ids: Vec<CategoryId>,
    /// Names and values.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub attributes: Map<String, Json>,
    /// Pictures.
    #[serde(default)]
    pub media: Vec<MediaInput>,
    /// 1 to 100.
    pub variants: Vec<VariantInput>,
}

/// A picture as a caller sends it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MediaInput {
    /// Where it is.
    pub url: String,
    /// What it shows.
    #[serde(default)]
    pub alt: String,
}

/// A variant as a caller sends it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VariantInput {
    /// Unique in the product.
    pub sku: String,
    /// Made from the options where left out.
    pub title: Option<String>,
    /// Size, colour, ….
    #[serde(default)]
    #[schema(value_type = Object)]
    pub options: Map<String, Json>,
    /// What it costs.
    pub price: Money,
    /// What it cost before.
    pub compare_at_price: Option<Money>,
    /// For shipping.
    #[serde(default)]
    pub weight_grams: i64,
    /// At how many left the store wants to know; 5 where left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_stock_at: Option<i64>,
    /// How many there are, and where.
    #[serde(default)]
    pub stock: Vec<StockInput>,
}

/// Stock as a caller sends it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StockInput {
    /// Where; the first warehouse where left out.
    pub warehouse_id: Option<WarehouseId>,
    /// How many.
    pub on_hand: i64,
}

/// A product that can be stored: every rule holds.
#[derive(Clone, Debug, Serialize)]
pub struct NewProduct {
    /// As sent, checked.
    pub input: ProductInput,
    /// Its name within the store.
    pub handle: String,
    /// How it is delivered.
    pub kind: Kind,
}

/// Checks a product; says everything that is wrong with it, not just the first.
pub fn check(input: ProductInput) -> Result<NewProduct, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong =
        |pointer: String, code: &'static str, detail: &str| errors.push(FieldError { pointer, code, detail: detail.to_owned() });
    let length = input.title.trim().chars().count();
    if length == 0 || length > 200 {
        wrong("/title".into(), "length", "a title has 1 to 200 characters");
    }
    if input.description.chars().count() > 20_000 {
        wrong("/description".into(), "length", "a description has at most 20,000 characters");
    }
    let handle = input.handle.clone().unwrap_or_else(|| slug(&input.title));
    if handle.is_empty() || handle.chars().count() > 200 {
        wrong("/handle".into(), "length", "a handle has 1 to 200 characters");
    }
    let mut categories = BTreeSet::new();
    if input.category_ids.len() > CATEGORIES_MAX || !input.category_ids.iter().all(|c| categories.insert(*c)) {
        wrong("/categoryIds".into(), "count", "a product is in at most 20 categories, each once");
    }
    if input.variants.is_empty() || input.variants.len() > VARIANTS_MAX {
        wrong("/variants".into(), "count", "a product has 1 to 100 variants");
    }
    let currency = input.variants.first().map(|v| v.price.currency);
    let mut skus = BTreeSet::new();
    for (i, variant) in input.variants.iter().enumerate() {
        for (field, code, detail) in variant_errors(variant, currency) {
            wrong(format!("/variants/{i}{field}"), code, detail);
        }
        if !skus.insert(variant.sku.as_str()) {
            wrong(format!("/variants/{i}/sku"), "duplicate", "another variant of the product has this sku");
        }
    }
    let kind = input.kind.unwrap_or(Kind::Physical);
    if errors.is_empty() { Ok(NewProduct { input, handle, kind }) } else { Err(errors) }
}

fn variant_errors(variant: &VariantInput, currency: Option<Currency>) -> Vec<(String, &'static str, &'static str)> {
    let mut errors = Vec::new();
    if variant.sku.trim().is_empty() || variant.sku.chars().count() > 100 {
        errors.push(("/sku".into(), "length", "a sku has 1 to 100 characters"));
    }
    if !(0..=PRICE_MAX).contains(&variant.price.amount) {
        errors.push(("/price/amount".into(), "range", "a price is 0 to 10^12 minor units"));
    }
    if Some(variant.price.currency) != currency || variant.compare_at_price.is_some_and(|p| Some(p.currency) != currency) {
        errors.push(("/price/currency".into(), "mixed_currency", "all prices of a product are in one currency"));
    }
    if !(0..=1_000_000_000).contains(&variant.weight_grams) {
        errors.push(("/weightGrams".into(), "range", "a weight is 0 to 10^9 grams"));
    }
    if variant.low_stock_at.is_some_and(|n| !(0..=STOCK_MAX).contains(&n)) {
        errors.push(("/lowStockAt".into(), "range", "few are 0 to 10^9"));
    }
    if variant.stock.len() > PLACES_MAX {
        errors.push(("/stock".into(), "count", "a variant lies in at most 50 warehouses"));
    }
    let mut places = BTreeSet::new();
    for (i, stock) in variant.stock.iter().enumerate() {
        if !places.insert(stock.warehouse_id) {
            errors.push((format!("/stock/{i}/warehouseId"), "duplicate", "this warehouse is named before"));
        }
        if !(0..=STOCK_MAX).contains(&stock.on_hand) {
            errors.push((format!("/stock/{i}/onHand"), "range", "stock is 0 to 10^9"));
        }
    }
    errors
}

/// A title of options such as `M / Blue`; `Default` where there are none.
pub fn option_title(options: &Map<String, Json>) -> String {
    let values: Vec<_> = options.values().filter_map(Json::as_str).collect();
    if values.is_empty() { "Default".into() } else { values.join(" / ") }
}

/// A name fit for addresses: lower-case letters and digits of any script, joined by hyphens.
pub fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    let mut out = words.map(str::to_lowercase).collect::<Vec<_>>().join("-");
    if out.chars().count() > 80 {
        out = out.chars().take(80).collect();
    }
    out
}

/// A product as everybody sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// The product.
    pub id: ProductId,
    /// Its name in addresses.
    pub slug: String,
    /// How it is delivered.
    pub kind: Kind,
    /// Where it is in its life.
    pub status: Status,
    /// Its store.
    pub vendor_id: VendorId,
    /// Its store's name.
    pub vendor_name: String,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: String,
    /// Who makes it.
    pub brand: Option<String>,
    /// Where it is filed.
    pub category_ids: Vec<CategoryId>,
    /// Names and values.
    #[schema(value_type = Object)]
    pub attributes: Map<String, Json>,
    /// Pictures.
    pub media: Vec<Media>,
    /// What can be bought.
    pub variants: Vec<Variant>,
    /// What buyers think.
    pub rating: Rating,
    /// When it came into being.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// The picture.
    pub id: uuid::Uuid,
    /// Where it is.
    pub url: String,
    /// What it shows.
    pub alt: String,
}

/// What can be bought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    /// The variant.
    pub id: VariantId,
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
    pub compare_at_price: Option<Money>,
    /// How many can be bought now; null where it never runs out.
    pub available: Option<i64>,
}

/// What buyers think.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rating {
    /// 1 to 5; null without ratings.
    pub average: Option<f64>,
    /// How many.
    pub count: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_with_a_product_is_said() {
        let input: ProductInput = serde_json::from_value(serde_json::json!({
            "title": " ", "variants": [
                {"sku": "A", "price": {"amount": -1, "currency": "BDT"}},
                {"sku": "A", "price": {"amount": 1, "currency": "EUR"}, "stock": [{"onHand": -5}]}]
        }))
        .unwrap();
        let errors = check(input).unwrap_err();
        let found: Vec<_> = errors.iter().map(|e| (e.pointer.as_str(), e.code)).collect();
        assert_eq!(
            found,
            [
                ("/title", "length"),
                ("/handle", "length"),
                ("/variants/0/price/amount", "range"),
                ("/variants/1/price/currency", "mixed_currency"),
                ("/variants/1/stock/0/onHand", "range"),
                ("/variants/1/sku", "duplicate"),
            ]
        );
    }

    #[test]
    fn slugs_keep_letters_of_any_script() {
        let cases = [("Red  Shirt!", "red-shirt"), ("Ärmel 3/4", "ärmel-3-4"), ("--", "")];
        for (title, expected) in cases {
            assert_eq!(slug(title), expected);
        }
    }
}
