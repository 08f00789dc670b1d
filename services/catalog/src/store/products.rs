use contracts::{CategoryId, Money, ProductId, Time, VariantId, VendorId};
use kit::db::{DbError, Query, Row, Tx, placeholders, value_rows};
use kit::http::After;
use kit::{Value, params};
use serde_json::Value as Json;
use uuid::Uuid;

use super::file;
use crate::domain::{Kind, Media, NewProduct, Product, Rating, Status, Variant, option_title};

/// A product that is there already, as an import compares it.
pub(crate) struct StoredProduct {
    pub id: ProductId,
    pub source_hash: Vec<u8>,
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub vendor_id: Option<VendorId>,
    pub kind: Option<Kind>,
    /// In it or below it.
    pub category_id: Option<CategoryId>,
}

const PRODUCT: &str = "p.id, p.slug, p.kind, p.status, p.vendor_id, p.vendor_name, p.title, p.description, p.brand, p.category_ids, p.attributes, p.media, p.created_at, p.updated_at";

/// Published products, newest first; one more than `limit` where there are more.
pub(crate) fn list(q: &mut Query, filter: &Filter, after: Option<After>, limit: i64) -> Result<Vec<Product>, DbError> {
    let mut sql = format!("SELECT {PRODUCT} FROM catalog.products p WHERE p.status = 'published'");
    let mut values: Vec<Value> = Vec::new();
    let mut narrow = |clause: &str, add: Vec<Value>| {
        let first = values.len() + 1;
        values.extend(add);
        sql.push_str(&clause.replace("{0}", &format!("${first}")).replace("{1}", &format!("${}", first + 1)));
    };
    if let Some(vendor) = filter.vendor_id {
        narrow(" AND p.vendor_id = {0}", vec![vendor.0.into()]);
    }
    if let Some(kind) = filter.kind {
        narrow(" AND p.kind = {0}", vec![kind.as_str().into()]);
    }
    if let Some(category) = filter.category_id {
        let below = " AND p.id IN (SELECT f.product_id FROM catalog.category_paths t JOIN catalog.product_categories f \
                     ON f.category_id = t.category_id WHERE t.ancestor_id = {0})";
        narrow(below, vec![category.0.into()]);
    }
    if let Some(after) = after {
        narrow(" AND (p.created_at, p.id) < ({0}, {1})", vec![after.time.into(), after.id.into()]);
    }
    narrow(" ORDER BY p.created_at DESC, p.id DESC LIMIT {0}", vec![(limit + 1).into()]);
    let rows = q.rows(&sql, &values)?;
    let mut products = rows.iter().map(read_product).collect::<Result<Vec<_>, _>>()?;
    add_variants(q, &mut products)?;
    Ok(products)
}

/// One product by id or slug, whatever its status.
pub(crate) fn product(q: &mut Query, id_or_slug: &str) -> Result<Option<Product>, DbError> {
    let (column, value) = match Uuid::parse_str(id_or_slug) {
        Ok(id) => ("id", Value::from(id)),
        Err(_) => ("slug", Value::from(id_or_slug)),
    };
    let row = q.row(&format!("SELECT {PRODUCT} FROM catalog.products p WHERE p.{column} = $1"), &[value])?;
    let Some(row) = row else { return Ok(None) };
    let mut products = vec![read_product(&row)?];
    add_variants(q, &mut products)?;
    Ok(products.pop())
}

fn read_product(row: &Row) -> Result<Product, DbError> {
    let kind: String = row.get(2)?;
    let status: String = row.get(3)?;
    Ok(Product {
        id: ProductId(row.get(0)?),
        slug: row.get(1)?,
        kind: Kind::parse(&kind).unwrap_or(Kind::Physical),
        status: json(Json::String(status))?,
        vendor_id: VendorId(row.get(4)?),
        vendor_name: row.get(5)?,
        title: row.get(6)?,
        description: row.get(7)?,
        brand: row.get(8)?,
        category_ids: json::<Vec<CategoryId>>(row.get(9)?)?,
        attributes: json(row.get(10)?)?,
        media: json(row.get(11)?)?,
        variants: Vec::new(),
        rating: Rating::default(),
        created_at: row.get(12)?,
        updated_at: row.get(13)?,
    })
}

fn json<T: serde::de::DeserializeOwned>(value: Json) -> Result<T, DbError> {
    serde_json::from_value(value).map_err(|e| DbError::Internal(e.to_string()))
}

fn add_variants(q: &mut Query, products: &mut [Product]) -> Result<(), DbError> {
    let ids: Vec<Uuid> = products.iter().map(|p| p.id.0).collect();
    let found = variants(q, &ids, &[])?;
    for v in found.into_iter().filter(|v| !v.removed) {
        if let Some(product) = products.iter_mut().find(|p| p.id == v.product_id) {
            product.variants.push(v.variant);
        }
    }
    Ok(())
}

/// A variant with what others ask about it.
pub(crate) struct VariantRow {
    pub product_id: ProductId,
    pub removed: bool,
    pub variant: Variant,
    pub weight_grams: i64,
    pub kind: Kind,
    pub published: bool,
    pub vendor_id: VendorId,
    pub product_title: String,
    pub category_ids: Vec<CategoryId>,
}

/// The variants of products, and variants by their own ids, in the products' order.
pub(crate) fn variants(q: &mut Query, products: &[Uuid], variants: &[Uuid]) -> Result<Vec<VariantRow>, DbError> {
    if products.is_empty() && variants.is_empty() {
        return Ok(Vec::new());
    }
    let mut clauses = Vec::new();
    if !products.is_empty() {
        clauses.push(format!("v.product_id IN ({})", placeholders(1, products.len())));
    }
    if !variants.is_empty() {
        clauses.push(format!("v.id IN ({})", placeholders(products.len() + 1, variants.len())));
    }
    let sql = format!(
        "SELECT v.id, v.product_id, v.sku, v.title, v.options, v.price, v.currency, v.compare_at_price, v.weight_grams, v.removed, \
         p.kind, p.status, p.vendor_id, p.title, p.category_ids, \
         CAST((SELECT COALESCE(SUM(s.on_hand - s.reserved), 0) FROM catalog.stock s WHERE s.variant_id = v.id) AS bigint) \
         FROM catalog.variants v JOIN catalog.products p ON p.id = v.product_id WHERE {} ORDER BY v.product_id, v.place, v.id",
        clauses.join(" OR ")
    );
    let values: Vec<Value> = products.iter().chain(variants).map(|id| Value::from(*id)).collect();
    q.rows(&sql, &values)?.iter().map(read_variant).collect()
}

fn read_variant(row: &Row) -> Result<VariantRow, DbError> {
    let currency: String = row.get(6)?;
    let currency = currency.parse().map_err(|e| DbError::Internal(format!("variant: {e}")))?;
    let kind: String = row.get(10)?;
    let kind = Kind::parse(&kind).unwrap_or(Kind::Physical);
    let available = if kind == Kind::Physical { Some(row.get(15)?) } else { None };
    let variant = Variant {
        id: VariantId(row.get(0)?),
        sku: row.get(2)?,
        title: row.get(3)?,
        options: json(row.get(4)?)?,
        price: Money::new(row.get(5)?, currency),
        compare_at_price: row.get::<Option<i64>>(7)?.map(|amount| Money::new(amount, currency)),
        available,
    };
    Ok(VariantRow {
        product_id: ProductId(row.get(1)?),
        removed: row.get(9)?,
        variant,
        weight_grams: row.get(8)?,
        kind,
        published: row.get::<String>(11)? == Status::Published.as_str(),
        vendor_id: VendorId(row.get(12)?),
        product_title: row.get(13)?,
        category_ids: json(row.get(14)?)?,
    })
}

/// The store's product with this handle.
pub(crate) fn find_by_handle(q: &mut Query, vendor: VendorId, handle: &str) -> Result<Option<StoredProduct>, DbError> {
    let row = q.row("SELECT id, source_hash FROM catalog.products WHERE vendor_id = $1 AND handle = $2", params![vendor.0, handle])?;
    row.map(|r| Ok(StoredProduct { id: ProductId(r.get(0)?), source_hash: r.get(1)? })).transpose()
}

/// Adds a product with its variants; `None` where the store has one with the handle.
pub(crate) fn insert(
    tx: &mut Tx,
    vendor: (VendorId, &str),
    new: &NewProduct,
    hash: &[u8],
) -> Result<Option<(ProductId, Vec<VariantId>)>, DbError> {
    let id = ProductId(tx.id());
    let now = tx.now();
    let short = &id.0.simple().to_string()[26..];
    let slug = format!("{}-{short}", crate::domain::slug(&new.handle));
    let media = media(tx, new);
    let input = &new.input;
    let inserted = tx.execute(
        "INSERT INTO catalog.products (id, vendor_id, vendor_name, handle, slug, kind, status, title, description, brand, category_ids, attributes, media, source_hash, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15) ON CONFLICT (vendor_id, handle) DO NOTHING",
        params![
            id.0,
            vendor.0.0,
            vendor.1,
            &new.handle,
            slug,
            new.kind.as_str(),
            input.status.as_str(),
            input.title.trim(),
            &input.description,
            input.brand.clone(),
            to_json(&input.category_ids),
            Json::Object(input.attributes.clone()),
            media,
            hash.to_vec(),
            now
        ],
    )?;
    if inserted == 0 {
        return Ok(None);
    }
    file(tx, id, &input.category_ids)?;
    Ok(Some((id, put_variants(tx, id, new)?)))
}

/// Takes over new words, prices and variants; variants that are no longer listed are marked removed.
pub(crate) fn replace(tx: &mut Tx, id: ProductId, new: &NewProduct, hash: &[u8]) -> Result<Vec<VariantId>, DbError> {
    let now: Time = tx.now();
    let media = media(tx, new);
    let input = &new.input;
    tx.execute(
        "UPDATE catalog.products SET kind = $2, status = $3, title = $4, description = $5, brand = $6, category_ids = $7, attributes = $8, media = $9, source_hash = $10, updated_at = $11 WHERE id = $1",
        params![
            id.0,
            new.kind.as_str(),
            input.status.as_str(),
            input.title.trim(),
            &input.description,
            input.brand.clone(),
            to_json(&input.category_ids),
            Json::Object(input.attributes.clone()),
            media,
            hash.to_vec(),
            now
        ],
    )?;
    file(tx, id, &input.category_ids)?;
    tx.execute("UPDATE catalog.variants SET removed = $2 WHERE product_id = $1", params![id.0, true])?;
    put_variants(tx, id, new)
}

/// All variants in one statement; ids of variants that are there already stay.
fn put_variants(tx: &mut Tx, product: ProductId, new: &NewProduct) -> Result<Vec<VariantId>, DbError> {
    let list = &new.input.variants;
    let mut values: Vec<Value> = Vec::with_capacity(list.len() * 12);
    for (place, v) in list.iter().enumerate() {
        let title = v.title.clone().unwrap_or_else(|| option_title(&v.options));
        values.extend([
            Value::from(tx.id()),
            product.0.into(),
            (place as i64).into(),
            v.sku.trim().into(),
            title.into(),
            Json::Object(v.options.clone()).into(),
            v.price.amount.into(),
            v.price.currency.code().into(),
            v.compare_at_price.map(|p| p.amount).into(),
            v.weight_grams.into(),
            false.into(),
            v.low_stock_at.into(),
        ]);
    }
    let sql = format!(
        "INSERT INTO catalog.variants (id, product_id, place, sku, title, options, price, currency, compare_at_price, weight_grams, removed, low_stock_at) VALUES {} \
         ON CONFLICT (product_id, sku) DO UPDATE SET place = excluded.place, title = excluded.title, options = excluded.options, price = excluded.price, \
         currency = excluded.currency, compare_at_price = excluded.compare_at_price, weight_grams = excluded.weight_grams, removed = excluded.removed, low_stock_at = excluded.low_stock_at \
         RETURNING id, place",
        value_rows(list.len(), 12)
    );
    let mut ids =
        tx.rows(&sql, &values)?.iter().map(|r| Ok((r.get::<i64>(1)?, VariantId(r.get(0)?)))).collect::<Result<Vec<_>, DbError>>()?;
    ids.sort();
    Ok(ids.into_iter().map(|(_, id)| id).collect())
}

fn media(tx: &mut Tx, new: &NewProduct) -> Json {
    let list: Vec<_> = new.input.media.iter().map(|m| Media { id: tx.id(), url: m.url.clone(), alt: m.alt.clone() }).collect();
    to_json(&list)
}

fn to_json(value: &impl serde::Serialize) -> Json {
    serde_json::to_value(value).expect("ids and text always make JSON")
}
