use std::collections::BTreeMap;

use contracts::{CategoryId, ProductId, VariantId, VendorId, WarehouseId};
use kit::Value;
use kit::db::{DbError, Query, placeholders};
use uuid::Uuid;

use super::listing::whole_products;
use crate::domain::Product;

/// What lists do not show of products.
#[derive(Default)]
pub(crate) struct Unshown {
    /// At how many left the store wants to know.
    pub low_stock_at: BTreeMap<VariantId, i64>,
    /// What is on hand.
    pub stock: BTreeMap<VariantId, Vec<(WarehouseId, i64)>>,
}

/// Products with their handles, of one store or of all, in the order of their ids; one more than `limit` where there are more.
pub(crate) fn after(
    q: &mut Query,
    vendor: Option<VendorId>,
    after: Option<ProductId>,
    limit: i64,
) -> Result<Vec<(Product, String)>, DbError> {
    let mut values = vec![Value::from(after.map_or(Uuid::nil(), |id| id.0)), (limit + 1).into()];
    let mut narrow = "p.id > $1".to_owned();
    if let Some(vendor) = vendor {
        values.push(vendor.0.into());
        narrow.push_str(" AND p.vendor_id = $3");
    }
    whole_products(q, &format!("{narrow} ORDER BY p.id LIMIT $2"), &values)
}

/// What lists do not show of these products.
pub(crate) fn unshown(q: &mut Query, products: &[Uuid]) -> Result<Unshown, DbError> {
    let mut found = Unshown::default();
    if products.is_empty() {
        return Ok(found);
    }
    let (ids, values) = (placeholders(1, products.len()), products.iter().map(|id| Value::from(*id)).collect::<Vec<_>>());
    let sql = format!("SELECT id, low_stock_at FROM catalog.variants WHERE low_stock_at IS NOT NULL AND product_id IN ({ids}) ORDER BY id");
    for row in q.rows(&sql, &values)? {
        found.low_stock_at.insert(VariantId(row.get(0)?), row.get(1)?);
    }
    let sql = format!(
        "SELECT s.variant_id, s.warehouse_id, s.on_hand FROM catalog.stock s JOIN catalog.variants v ON v.id = s.variant_id \
         WHERE v.product_id IN ({ids}) ORDER BY s.variant_id, s.warehouse_id"
    );
    for row in q.rows(&sql, &values)? {
        found.stock.entry(VariantId(row.get(0)?)).or_default().push((WarehouseId(row.get(1)?), row.get(2)?));
    }
    Ok(found)
}

/// What each category is called in a file: names from the root, or its slug where the names hold what joins them.
pub(crate) fn category_names(q: &mut Query) -> Result<BTreeMap<CategoryId, String>, DbError> {
    let rows = q.rows("SELECT id, parent_id, name, slug FROM catalog.categories ORDER BY id", &[])?;
    let mut all: BTreeMap<CategoryId, (Option<CategoryId>, String, String)> = BTreeMap::new();
    for row in &rows {
        all.insert(CategoryId(row.get(0)?), (row.get::<Option<Uuid>>(1)?.map(CategoryId), row.get(2)?, row.get(3)?));
    }
    let named = |(id, (_, _, slug)): (&CategoryId, &(Option<CategoryId>, String, String))| {
        let upwards = std::iter::successors(all.get(id), |(parent, ..)| all.get(parent.as_ref()?));
        let mut names: Vec<&str> = upwards.take(rows.len()).map(|(_, name, _)| name.as_str()).collect();
        names.reverse();
        let is_plain = names.iter().all(|name| !name.contains(['>', '|']) && name.trim() == *name);
        (*id, if is_plain { names.join(" > ") } else { slug.clone() })
    };
    Ok(all.iter().map(named).collect())
}
