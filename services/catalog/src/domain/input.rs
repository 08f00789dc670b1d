//! Products as callers send them, and what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{CategoryId, Currency, Money, VendorId, WarehouseId};
use kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use super::{Kind, Product, Status, option_title, slug};

/// The most variants a product can have.
pub const VARIANTS_MAX: usize = 100;
/// In how many categories a product can be.
pub const FILED_MAX: usize = 20;
/// In how many places a variant can be.
pub const PLACES_MAX: usize = 50;
/// The most of one variant in one place.
pub const STOCK_MAX: i64 = 1_000_000_000;
/// The highest price, in minor units.
pub const PRICE_MAX: i64 = 1_000_000_000_000;
/// The most pictures of a product.
pub const MEDIA_MAX: usize = 50;
const ATTRIBUTES_MAX: usize = 100;
const OPTIONS_MAX: usize = 10;

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
    /// published where left out of a new product; unchanged where left out of a change.
    pub status: Option<Status>,
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

impl MediaInput {
    /// As it is kept: a picture of this platform by its path.
    pub fn kept(self, public_url: &str) -> MediaInput {
        let path = self.url.strip_prefix(public_url).filter(|rest| rest.starts_with('/')).map(str::to_owned);
        MediaInput { url: path.unwrap_or(self.url), ..self }
    }
}

impl ProductInput {
    /// As it is kept: pictures of this platform by their paths.
    pub fn kept(mut self, public_url: &str) -> ProductInput {
        self.media = self.media.into_iter().map(|m| m.kept(public_url)).collect();
        self
    }
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
#[derive(Clone, Debug)]
pub struct NewProduct {
    /// As sent, checked.
    pub input: ProductInput,
    /// Its name within the store.
    pub handle: String,
    /// How it is delivered.
    pub kind: Kind,
    /// Where it begins, or goes, in its life.
    pub status: Status,
}

/// What a file says is on hand, by sku and warehouse.
pub type FileStock = BTreeMap<String, BTreeMap<WarehouseId, i64>>;

impl NewProduct {
    /// The stock that it names; what names no warehouse lies in `main`.
    pub fn stock(&self, main: WarehouseId) -> FileStock {
        let of = |v: &VariantInput| v.stock.iter().map(|s| (s.warehouse_id.unwrap_or(main), s.on_hand)).collect::<BTreeMap<_, _>>();
        self.input.variants.iter().map(|v| (v.sku.trim().to_owned(), of(v))).collect()
    }

    /// Without the stock that was said before as it is said now: since then it was sold and counted here.
    pub fn without_stock_of(mut self, before: &FileStock, main: WarehouseId) -> NewProduct {
        for variant in &mut self.input.variants {
            let Some(said) = before.get(variant.sku.trim()) else { continue };
            variant.stock.retain(|s| said.get(&s.warehouse_id.unwrap_or(main)) != Some(&s.on_hand));
        }
        self
    }

    /// All that it says, written in one way; stock that names no warehouse lies in `main`.
    pub fn content(&self, main: WarehouseId) -> Json {
        let input = &self.input;
        let mut categories = input.category_ids.clone();
        categories.sort();
        let media: Vec<_> = input.media.iter().map(|m| json!([m.url, m.alt])).collect();
        let variants: Vec<_> = input.variants.iter().map(|v| v.content(main)).collect();
        let words = json!([self.handle, input.title.trim(), input.description, input.brand, self.kind, self.status]);
        json!([words, categories, sorted(&input.attributes), media, variants])
    }
}

impl VariantInput {
    fn content(&self, main: WarehouseId) -> Json {
        let title = self.title.clone().unwrap_or_else(|| option_title(&self.options));
        let stock: BTreeMap<_, _> = self.stock.iter().map(|s| (s.warehouse_id.unwrap_or(main).to_string(), s.on_hand)).collect();
        let prices = json!([self.price, self.compare_at_price]);
        json!([self.sku.trim(), title, sorted(&self.options), prices, self.weight_grams, self.low_stock_at, stock])
    }
}

/// By name: the order in which names stand says nothing.
fn sorted(members: &Map<String, Json>) -> BTreeMap<&String, &Json> {
    members.iter().collect()
}

/// What a change sets of a product; what it leaves out stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductPatch {
    /// 1 to 200 characters.
    pub title: Option<String>,
    /// Unique in the store. Addresses with the old one go on working.
    pub handle: Option<String>,
    /// Up to 20,000 characters.
    pub description: Option<String>,
    /// Who makes it; null for nobody in particular.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub brand: Option<Option<String>>,
    /// Where it is filed.
    pub category_ids: Option<Vec<CategoryId>>,
    /// Attributes to add or change; null takes one away.
    #[schema(value_type = Option<Object>)]
    pub attributes: Option<Map<String, Json>>,
    /// Where it goes in its life.
    pub status: Option<Status>,
}

/// Tells a member that is null from one that is not there.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl ProductPatch {
    /// What a product is to be told from now on; checked like a new one, without its variants and pictures.
    pub fn apply(&self, product: &Product, handle: &str) -> Result<ProductInput, Vec<FieldError>> {
        let mut attributes = product.attributes.clone();
        for (name, value) in self.attributes.iter().flatten() {
            match value {
                Json::Null => drop(attributes.shift_remove(name)),
                value => drop(attributes.insert(name.clone(), value.clone())),
            }
        }
        let input = ProductInput {
            vendor_id: Some(product.vendor_id),
            handle: Some(self.handle.clone().unwrap_or_else(|| handle.to_owned())),
            kind: Some(product.kind),
            status: Some(self.status.unwrap_or(product.status)),
            title: self.title.clone().unwrap_or_else(|| product.title.clone()),
            description: self.description.clone().unwrap_or_else(|| product.description.clone()),
            brand: self.brand.clone().unwrap_or_else(|| product.brand.clone()),
            category_ids: self.category_ids.clone().unwrap_or_else(|| product.category_ids.clone()),
            attributes,
            media: Vec::new(),
            variants: Vec::new(),
        };
        let errors = word_errors(&input);
        if errors.is_empty() { Ok(input) } else { Err(errors) }
    }
}

/// Checks a product; says everything that is wrong with it, not just the first.
pub fn check(mut input: ProductInput) -> Result<NewProduct, Vec<FieldError>> {
    let mut errors = word_errors(&input);
    errors.extend(media_errors(&input.media).into_iter().map(|e| below("/media", e)));
    if input.variants.is_empty() || input.variants.len() > VARIANTS_MAX {
        errors.push(wrong("/variants", "count", "a product has 1 to 100 variants"));
    }
    let currency = input.variants.first().map(|v| v.price.currency);
    let kind = input.kind.unwrap_or(Kind::Physical);
    let mut skus = BTreeSet::new();
    for (i, variant) in input.variants.iter().enumerate() {
        errors.extend(variant_errors(variant, kind, currency).into_iter().map(|e| below(&format!("/variants/{i}"), e)));
        if !skus.insert(variant.sku.trim()) {
            errors.push(wrong(format!("/variants/{i}/sku"), "duplicate", "another variant of the product has this sku"));
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let handle = input.handle.clone().unwrap_or_else(|| slug(&input.title));
    let status = *input.status.get_or_insert(Status::Published);
    Ok(NewProduct { input, handle, kind, status })
}

/// What is wrong with everything but variants and pictures.
fn word_errors(input: &ProductInput) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let length = input.title.trim().chars().count();
    if length == 0 || length > 200 {
        errors.push(wrong("/title", "length", "a title has 1 to 200 characters"));
    }
    if input.description.chars().count() > 20_000 {
        errors.push(wrong("/description", "length", "a description has at most 20,000 characters"));
    }
    let handle = input.handle.clone().unwrap_or_else(|| slug(&input.title));
    if handle.trim().is_empty() || handle.chars().count() > 200 {
        errors.push(wrong("/handle", "length", "a handle has 1 to 200 characters"));
    }
    if input.brand.as_ref().is_some_and(|b| b.trim().is_empty() || b.chars().count() > 200) {
        errors.push(wrong("/brand", "length", "a brand has 1 to 200 characters"));
    }
    let mut categories = BTreeSet::new();
    if input.category_ids.len() > FILED_MAX || !input.category_ids.iter().all(|c| categories.insert(*c)) {
        errors.push(wrong("/categoryIds", "count", "a product is in at most 20 categories, each once"));
    }
    if input.attributes.len() > ATTRIBUTES_MAX || input.attributes.keys().any(|name| name.is_empty() || name.chars().count() > 60) {
        errors.push(wrong("/attributes", "count", "a product has at most 100 attributes, with names of 1 to 60 characters"));
    }
    errors
}

/// What is wrong with pictures; pointers begin at their list.
pub fn media_errors(media: &[MediaInput]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if media.len() > MEDIA_MAX {
        errors.push(wrong("", "count", "a product has at most 50 pictures"));
    }
    for (i, m) in media.iter().enumerate() {
        let known = ["https://", "http://", "/"].iter().any(|start| m.url.starts_with(start));
        if !known || m.url.chars().count() > 2_000 || m.url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            errors.push(wrong(
                format!("/{i}/url"),
                "malformed",
                "an address begins with https://, http:// or /, and has at most 2,000 characters",
            ));
        }
        if m.alt.chars().count() > 500 {
            errors.push(wrong(format!("/{i}/alt"), "length", "what a picture shows is said in at most 500 characters"));
        }
    }
    errors
}

/// What is wrong with a variant of a product of a kind whose prices are in `currency`; pointers begin at the variant.
pub fn variant_errors(variant: &VariantInput, kind: Kind, currency: Option<Currency>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if variant.sku.trim().is_empty() || variant.sku.chars().count() > 100 {
        errors.push(wrong("/sku", "length", "a sku has 1 to 100 characters"));
    }
    if variant.title.as_ref().is_some_and(|t| t.trim().is_empty() || t.chars().count() > 200) {
        errors.push(wrong("/title", "length", "a title has 1 to 200 characters"));
    }
    let words = |v: &Json| v.as_str().is_some_and(|text| !text.is_empty() && text.chars().count() <= 255);
    if variant.options.len() > OPTIONS_MAX || !variant.options.values().all(words) {
        errors.push(wrong("/options", "malformed", "a variant has at most 10 options, each of 1 to 255 characters"));
    }
    let range = "a price is 0 to 10^12 minor units";
    if !(0..=PRICE_MAX).contains(&variant.price.amount) {
        errors.push(wrong("/price/amount", "range", range));
    }
    if variant.compare_at_price.is_some_and(|p| !(0..=PRICE_MAX).contains(&p.amount)) {
        errors.push(wrong("/compareAtPrice/amount", "range", range));
    }
    if Some(variant.price.currency) != currency || variant.compare_at_price.is_some_and(|p| Some(p.currency) != currency) {
        errors.push(wrong("/price/currency", "mixed_currency", "all prices of a product are in one currency"));
    }
    if !(0..=1_000_000_000).contains(&variant.weight_grams) {
        errors.push(wrong("/weightGrams", "range", "a weight is 0 to 10^9 grams"));
    }
    if variant.low_stock_at.is_some_and(|n| !(0..=STOCK_MAX).contains(&n)) {
        errors.push(wrong("/lowStockAt", "range", "few are 0 to 10^9"));
    }
    if kind != Kind::Physical && !variant.stock.is_empty() {
        errors.push(wrong("/stock", "no_stock", "digital goods and courses never run out: they have no stock"));
    }
    if variant.stock.len() > PLACES_MAX {
        errors.push(wrong("/stock", "count", "a variant lies in at most 50 warehouses"));
    }
    let mut places = BTreeSet::new();
    for (i, stock) in variant.stock.iter().enumerate() {
        if !places.insert(stock.warehouse_id) {
            errors.push(wrong(format!("/stock/{i}/warehouseId"), "duplicate", "this warehouse is named before"));
        }
        if !(0..=STOCK_MAX).contains(&stock.on_hand) {
            errors.push(wrong(format!("/stock/{i}/onHand"), "range", "stock is 0 to 10^9"));
        }
    }
    errors
}

fn below(place: &str, e: FieldError) -> FieldError {
    FieldError { pointer: format!("{place}{}", e.pointer), ..e }
}

fn wrong(pointer: impl Into<String>, code: &'static str, detail: &str) -> FieldError {
    FieldError { pointer: pointer.into(), code, detail: detail.to_owned() }
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
}
