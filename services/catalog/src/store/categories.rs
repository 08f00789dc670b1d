use std::collections::BTreeMap;

use contracts::{CategoryId, ProductId};
use kit::db::{DbError, Query, Row, Tx, placeholders, value_rows};
use kit::{Value, params};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::domain::{Attribute, Category, NewCategory, Placed};

const CATEGORY: &str = "c.id, c.slug, c.name, c.parent_id, c.place, c.attributes, c.version, c.created_at, c.updated_at";

/// Every category; siblings in their order.
pub(crate) fn categories(q: &mut Query, counts: &Counts) -> Result<Vec<Category>, DbError> {
    let rows = q.rows(&format!("SELECT {CATEGORY} FROM catalog.categories c ORDER BY c.place, c.name, c.id"), &[])?;
    rows.iter().map(|r| read(r, counts.get(&CategoryId(r.get(0)?)).copied().unwrap_or(0))).collect()
}

/// How many published products lie in a category or below it.
pub(crate) type Counts = BTreeMap<CategoryId, i64>;

/// The counts of all categories in which something lies. Looks at every published product.
pub(crate) fn category_counts(q: &mut Query) -> Result<Counts, DbError> {
    let rows = q.rows(
        "SELECT t.ancestor_id, COUNT(DISTINCT f.product_id) FROM catalog.category_paths t \
         JOIN catalog.product_categories f ON f.category_id = t.category_id JOIN catalog.products p ON p.id = f.product_id \
         WHERE p.status = 'published' GROUP BY t.ancestor_id ORDER BY t.ancestor_id",
        &[],
    )?;
    rows.iter().map(|r| Ok((CategoryId(r.get(0)?), r.get(1)?))).collect()
}

/// Holds the tree until the end of the transaction: one change of its shape at a time.
pub(crate) fn hold_tree(tx: &mut Tx) -> Result<Vec<CategoryId>, DbError> {
    let lock = tx.lock_clause();
    let rows = tx.rows(&format!("SELECT id FROM catalog.categories ORDER BY id{lock}"), &[])?;
    rows.iter().map(|r| Ok(CategoryId(r.get(0)?))).collect()
}

/// Every category in its place, in the order of their ids.
pub(crate) fn placed(q: &mut Query) -> Result<Vec<Placed>, DbError> {
    let rows = q.rows("SELECT id, parent_id, name, slug FROM catalog.categories ORDER BY id", &[])?;
    let placed = |r: &Row| {
        let parent_id = r.get::<Option<Uuid>>(1)?.map(CategoryId);
        Ok(Placed { id: CategoryId(r.get(0)?), parent_id, name: r.get(2)?, slug: r.get(3)? })
    };
    rows.iter().map(placed).collect()
}

/// A category without its count, held until the end of the transaction.
pub(crate) fn category(tx: &mut Tx, id: CategoryId) -> Result<Option<Category>, DbError> {
    let lock = tx.lock_clause();
    let row = tx.row(&format!("SELECT {CATEGORY} FROM catalog.categories c WHERE c.id = $1{lock}"), params![id.0])?;
    row.map(|r| read(&r, 0)).transpose()
}

/// The category with this slug.
pub(crate) fn category_by_slug(q: &mut Query, slug: &str) -> Result<Option<CategoryId>, DbError> {
    let row = q.row("SELECT id FROM catalog.categories WHERE slug = $1", params![slug])?;
    row.map(|r| Ok(CategoryId(r.get(0)?))).transpose()
}

/// The categories along a path of names from a root, as far as they are there; the first where siblings are called the same.
pub(crate) fn categories_along(q: &mut Query, names: &[&str]) -> Result<Vec<CategoryId>, DbError> {
    let mut along: Vec<CategoryId> = Vec::new();
    for name in names {
        let row = match along.last() {
            None => q.row("SELECT id FROM catalog.categories WHERE parent_id IS NULL AND name = $1 ORDER BY id LIMIT 1", params![*name])?,
            Some(above) => {
                let sql = "SELECT id FROM catalog.categories WHERE parent_id = $1 AND name = $2 ORDER BY id LIMIT 1";
                q.row(sql, params![above.0, *name])?
            }
        };
        let Some(row) = row else { break };
        along.push(CategoryId(row.get(0)?));
    }
    Ok(along)
}

/// A category and those above it, nearest first.
pub(crate) fn upwards(q: &mut Query, id: CategoryId) -> Result<Vec<CategoryId>, DbError> {
    let sql = "SELECT ancestor_id FROM catalog.category_paths WHERE category_id = $1 ORDER BY distance, ancestor_id";
    q.rows(sql, params![id.0])?.iter().map(|r| Ok(CategoryId(r.get(0)?))).collect()
}

/// How many levels lie below a category.
pub(crate) fn height(q: &mut Query, id: CategoryId) -> Result<i64, DbError> {
    let sql = "SELECT CAST(COALESCE(MAX(distance), 0) AS bigint) FROM catalog.category_paths WHERE ancestor_id = $1";
    q.row(sql, params![id.0])?.map_or(Ok(0), |r| r.get(0))
}

/// Adds a category; false where the slug is taken.
pub(crate) fn insert_category(tx: &mut Tx, id: CategoryId, new: &NewCategory) -> Result<bool, DbError> {
    let now = tx.now();
    let inserted = tx.execute(
        "INSERT INTO catalog.categories (id, parent_id, slug, name, place, attributes, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7) ON CONFLICT (slug) DO NOTHING",
        params![id.0, new.parent_id.map(|p| p.0), &new.slug, &new.name, new.place, json(&new.attributes), now],
    )?;
    if inserted == 0 {
        return Ok(false);
    }
    tx.execute("INSERT INTO catalog.category_paths (ancestor_id, category_id, distance) VALUES ($1, $1, 0)", params![id.0])?;
    hang(tx, id, new.parent_id)?;
    Ok(true)
}

/// Changes a category that this transaction holds; false where another has the slug. The tree's shape is changed by [`rehang`].
pub(crate) fn update_category(tx: &mut Tx, id: CategoryId, new: &NewCategory) -> Result<bool, DbError> {
    let now = tx.now();
    let changed = tx.execute(
        "UPDATE catalog.categories SET parent_id = $2, slug = $3, name = $4, place = $5, attributes = $6, version = version + 1, updated_at = $7 \
         WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM catalog.categories o WHERE o.slug = $3 AND o.id <> $1)",
        params![id.0, new.parent_id.map(|p| p.0), &new.slug, &new.name, new.place, json(&new.attributes), now],
    )?;
    Ok(changed == 1)
}

/// Takes a category, with all below it, from where it hangs and hangs it under `parent`.
pub(crate) fn rehang(tx: &mut Tx, id: CategoryId, parent: Option<CategoryId>) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM catalog.category_paths WHERE category_id IN (SELECT b.category_id FROM catalog.category_paths b WHERE b.ancestor_id = $1) \
         AND ancestor_id NOT IN (SELECT b.category_id FROM catalog.category_paths b WHERE b.ancestor_id = $1)",
        params![id.0],
    )?;
    hang(tx, id, parent)
}

fn hang(tx: &mut Tx, id: CategoryId, parent: Option<CategoryId>) -> Result<(), DbError> {
    let Some(parent) = parent else { return Ok(()) };
    tx.execute(
        "INSERT INTO catalog.category_paths (ancestor_id, category_id, distance) \
         SELECT a.ancestor_id, b.category_id, a.distance + b.distance + 1 FROM catalog.category_paths a, catalog.category_paths b \
         WHERE a.category_id = $2 AND b.ancestor_id = $1",
        params![id.0, parent.0],
    )
    .map(drop)
}

/// Takes a category away; false where something lies in it or below it.
pub(crate) fn delete_category(tx: &mut Tx, id: CategoryId) -> Result<bool, DbError> {
    let full = tx.row(
        "SELECT CAST((SELECT COUNT(*) FROM catalog.categories c WHERE c.parent_id = $1) AS bigint), \
         CAST((SELECT COUNT(*) FROM catalog.product_categories f WHERE f.category_id = $1) AS bigint)",
        params![id.0],
    )?;
    let Some(full) = full else { return Ok(false) };
    if full.get::<i64>(0)? + full.get::<i64>(1)? > 0 {
        return Ok(false);
    }
    tx.execute("DELETE FROM catalog.category_paths WHERE category_id = $1", params![id.0])?;
    Ok(tx.execute("DELETE FROM catalog.categories WHERE id = $1", params![id.0])? == 1)
}

/// What is asked of products in some categories, by those and all above them; `None` where one of them does not exist.
pub(crate) fn asked_of(q: &mut Query, categories: &[CategoryId]) -> Result<Option<Vec<Attribute>>, DbError> {
    if categories.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let values: Vec<Value> = categories.iter().map(|c| c.0.into()).collect();
    let sql = format!(
        "SELECT c.id, c.attributes, t.category_id, t.distance FROM catalog.category_paths t JOIN catalog.categories c ON c.id = t.ancestor_id \
         WHERE t.category_id IN ({}) ORDER BY t.category_id, t.distance DESC, c.id",
        placeholders(1, categories.len())
    );
    let rows = q.rows(&sql, &values)?;
    let (mut asked, mut seen, mut known) = (Vec::new(), Vec::<Uuid>::new(), 0);
    for row in &rows {
        known += usize::from(row.get::<i64>(3)? == 0);
        let id = row.get(0)?;
        if !seen.contains(&id) {
            seen.push(id);
            asked.extend(attributes(row.get(1)?)?);
        }
    }
    Ok((known == categories.len()).then_some(asked))
}

/// Files a product in these categories and no others.
pub(crate) fn file(tx: &mut Tx, product: ProductId, categories: &[CategoryId]) -> Result<(), DbError> {
    tx.execute("DELETE FROM catalog.product_categories WHERE product_id = $1", params![product.0])?;
    if categories.is_empty() {
        return Ok(());
    }
    let values: Vec<Value> = categories.iter().flat_map(|c| [c.0.into(), product.0.into()]).collect();
    let sql = format!("INSERT INTO catalog.product_categories (category_id, product_id) VALUES {}", value_rows(categories.len(), 2));
    tx.execute(&sql, &values).map(drop)
}

fn read(row: &Row, product_count: i64) -> Result<Category, DbError> {
    Ok(Category {
        id: CategoryId(row.get(0)?),
        slug: row.get(1)?,
        name: row.get(2)?,
        parent_id: row.get::<Option<Uuid>>(3)?.map(CategoryId),
        place: row.get(4)?,
        attributes: attributes(row.get(5)?)?,
        product_count,
        version: row.get(6)?,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
    })
}

fn attributes(json: Json) -> Result<Vec<Attribute>, DbError> {
    serde_json::from_value(json).map_err(|e| DbError::Internal(e.to_string()))
}

fn json(attributes: &[Attribute]) -> Json {
    serde_json::to_value(attributes).expect("words and values always make JSON")
}
