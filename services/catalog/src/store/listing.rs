use contracts::{CategoryId, ProductId, Time, VendorId};
use kit::Value;
use kit::db::{DbError, Query, Row, placeholders};
use kit::http::After;
use serde_json::Value as Json;
use uuid::Uuid;

use super::variants::variants_of;
use crate::domain::{Kind, Product, Rating, Status};

/// In which order a list stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    #[default]
    Newest,
    /// The cheapest first.
    Price,
    /// The dearest first.
    PriceDown,
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Published ones where left out.
    pub status: Option<Status>,
    /// Of these stores only; `None` for any.
    pub stores: Option<Vec<VendorId>>,
    pub vendor_id: Option<VendorId>,
    pub kind: Option<Kind>,
    /// In it or below it.
    pub category_id: Option<CategoryId>,
    /// A variant costs at least, in minor units.
    pub min_price: Option<i64>,
    /// A variant costs at most, in minor units.
    pub max_price: Option<i64>,
    pub brand: Option<String>,
    /// Names and values; all of them hold.
    pub attributes: Vec<(String, String)>,
    /// Whether some of it can be bought, or nothing.
    pub in_stock: Option<bool>,
    pub sort: Sort,
}

const PRODUCT: &str = "p.id, p.slug, p.kind, p.status, p.vendor_id, \
  COALESCE((SELECT n.name FROM catalog.store_names n WHERE n.vendor_id = p.vendor_id), p.vendor_name), p.title, p.description, p.brand, p.category_ids, p.attributes, p.media, p.created_at, p.updated_at, p.version";

/// Where a product stands in a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub id: ProductId,
    pub created_at: Time,
    /// In minor units.
    pub lowest_price: i64,
}

/// A statement that grows; `{}` in a clause stands for the next value.
struct Growing {
    sql: String,
    values: Vec<Value>,
}

impl Growing {
    fn add(&mut self, clause: &str, values: impl IntoIterator<Item = Value>) {
        let mut values = values.into_iter();
        let mut parts = clause.split("{}");
        self.sql.push_str(parts.next().unwrap_or_default());
        for part in parts {
            self.values.extend(values.next());
            self.sql.push_str(&format!("${}{part}", self.values.len()));
        }
    }
}

/// Which products, in the filter's order; one more than `limit` where there are more. The indexes hold all that is asked for.
pub(crate) fn list(q: &mut Query, filter: &Filter, after: Option<After>, limit: i64) -> Result<Vec<Place>, DbError> {
    let sql = "SELECT p.id, p.created_at, p.lowest_price FROM catalog.products p WHERE p.status = ".into();
    let mut statement = Growing { sql, values: Vec::new() };
    statement.add("{}", [filter.status.unwrap_or(Status::Published).as_str().into()]);
    narrow(&mut statement, filter);
    let (after_clause, order) = match filter.sort {
        Sort::Newest => (" AND (p.created_at, p.id) < ({}, {})", " ORDER BY p.created_at DESC, p.id DESC LIMIT {}"),
        Sort::Price => (" AND (p.lowest_price, p.id) > ({}, {})", " ORDER BY p.lowest_price, p.id LIMIT {}"),
        Sort::PriceDown => (" AND (p.lowest_price, p.id) < ({}, {})", " ORDER BY p.lowest_price DESC, p.id DESC LIMIT {}"),
    };
    if let Some(After { time, id }) = after {
        // A cursor holds one number: a time, or a price.
        let key = if filter.sort == Sort::Newest { Value::from(time) } else { Value::from(time.0) };
        statement.add(after_clause, [key, id.into()]);
    }
    statement.add(order, [(limit + 1).into()]);
    let rows = q.rows(&statement.sql, &statement.values)?;
    rows.iter().map(|r| Ok(Place { id: ProductId(r.get(0)?), created_at: r.get(1)?, lowest_price: r.get(2)? })).collect()
}

/// Products by their ids, in any order.
pub(crate) fn products(q: &mut Query, ids: &[ProductId]) -> Result<Vec<Product>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<Value> = ids.iter().map(|id| id.0.into()).collect();
    let sql = format!("SELECT {PRODUCT} FROM catalog.products p WHERE p.id IN ({})", placeholders(1, ids.len()));
    let mut products = q.rows(&sql, &values)?.iter().map(read_product).collect::<Result<Vec<_>, _>>()?;
    add_variants(q, &mut products)?;
    Ok(products)
}

fn narrow(statement: &mut Growing, filter: &Filter) {
    if let Some(stores) = &filter.stores {
        // Nobody's store, so that the list of no stores is written like any other.
        let ids: Vec<Value> = stores.iter().map(|s| s.0).chain([Uuid::nil()]).map(Value::from).collect();
        statement.add(&format!(" AND p.vendor_id IN ({})", vec!["{}"; ids.len()].join(", ")), ids);
    }
    if let Some(vendor) = filter.vendor_id {
        statement.add(" AND p.vendor_id = {}", [vendor.0.into()]);
    }
    if let Some(kind) = filter.kind {
        statement.add(" AND p.kind = {}", [kind.as_str().into()]);
    }
    if let Some(category) = filter.category_id {
        let below = " AND p.id IN (SELECT f.product_id FROM catalog.category_paths t JOIN catalog.product_categories f \
                     ON f.category_id = t.category_id WHERE t.ancestor_id = {})";
        statement.add(below, [category.0.into()]);
    }
    if let Some(brand) = &filter.brand {
        statement.add(" AND p.brand = {}", [brand.into()]);
    }
    for (name, value) in &filter.attributes {
        let as_text = Json::from(value.as_str()).to_string();
        let clause = " AND CAST(p.attributes -> CAST({} AS text) AS text) IN ({}, {})";
        statement.add(clause, [name.into(), as_text.into(), value.into()]);
    }
    if filter.min_price.is_some() || filter.max_price.is_some() {
        let (low, high) = (filter.min_price.unwrap_or(0), filter.max_price.unwrap_or(i64::MAX));
        // What cannot have such a variant is passed over by the index. It is walked in the list's order: the plus keeps
        // SQLite from finding the prices first and sorting what it found.
        let clause = if filter.sort == Sort::Newest { " AND +p.lowest_price <= {}" } else { " AND p.lowest_price <= {}" };
        statement.add(clause, [high.into()]);
        statement.add(" AND p.highest_price >= {}", [low.into()]);
        let clause = " AND EXISTS (SELECT 1 FROM catalog.variants v WHERE v.product_id = p.id AND v.removed = {} AND v.price >= {} AND v.price <= {})";
        statement.add(clause, [false.into(), low.into(), high.into()]);
    }
    if let Some(in_stock) = filter.in_stock {
        let not = if in_stock { "" } else { "NOT " };
        let clause = format!(
            " AND {not}(p.kind <> 'physical' OR EXISTS (SELECT 1 FROM catalog.variants v JOIN catalog.stock s ON s.variant_id = v.id \
             WHERE v.product_id = p.id AND v.removed = {{}} AND s.on_hand > s.reserved))"
        );
        statement.add(&clause, [false.into()]);
    }
}

/// One product by id, by slug, or by a slug that it had before; whatever its status.
pub(crate) fn product(q: &mut Query, id_or_slug: &str) -> Result<Option<Product>, DbError> {
    let (clause, value) = match Uuid::parse_str(id_or_slug) {
        Ok(id) => ("p.id = $1", Value::from(id)),
        Err(_) => ("p.slug = $1", Value::from(id_or_slug)),
    };
    let by_slug = clause.starts_with("p.slug");
    let mut row = q.row(&format!("SELECT {PRODUCT} FROM catalog.products p WHERE {clause}"), std::slice::from_ref(&value))?;
    if row.is_none() && by_slug {
        let sql = format!("SELECT {PRODUCT} FROM catalog.products p JOIN catalog.old_slugs o ON o.product_id = p.id WHERE o.slug = $1");
        row = q.row(&sql, &[value])?;
    }
    let Some(row) = row else { return Ok(None) };
    let mut products = vec![read_product(&row)?];
    add_variants(q, &mut products)?;
    Ok(products.pop())
}

/// Products with their handles, as `clauses` choose and sort them.
pub(super) fn whole_products(q: &mut Query, clauses: &str, values: &[Value]) -> Result<Vec<(Product, String)>, DbError> {
    let rows = q.rows(&format!("SELECT {PRODUCT}, p.handle FROM catalog.products p WHERE {clauses}"), values)?;
    let handles = rows.iter().map(|r| r.get(15)).collect::<Result<Vec<String>, _>>()?;
    let mut products = rows.iter().map(read_product).collect::<Result<Vec<_>, _>>()?;
    add_variants(q, &mut products)?;
    Ok(products.into_iter().zip(handles).collect())
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
        category_ids: stored(row, 9)?,
        attributes: stored(row, 10)?,
        media: stored(row, 11)?,
        variants: Vec::new(),
        rating: Rating::default(),
        created_at: row.get(12)?,
        updated_at: row.get(13)?,
        version: row.get(14)?,
    })
}

/// A column of JSON.
pub(super) fn stored<T: serde::de::DeserializeOwned>(row: &Row, column: usize) -> Result<T, DbError> {
    row.json(column).ok_or_else(|| DbError::Internal(format!("column {column} is no JSON of {}", std::any::type_name::<T>())))
}

/// What is stored as JSON.
pub(super) fn json<T: serde::de::DeserializeOwned>(value: Json) -> Result<T, DbError> {
    serde_json::from_value(value).map_err(|e| DbError::Internal(e.to_string()))
}

fn add_variants(q: &mut Query, products: &mut [Product]) -> Result<(), DbError> {
    let kinds: Vec<_> = products.iter().map(|p| (p.id, p.kind)).collect();
    for (of, variant) in variants_of(q, &kinds)? {
        if let Some(product) = products.iter_mut().find(|p| p.id == of) {
            product.variants.push(variant);
        }
    }
    Ok(())
}
