//! The tree in which products are filed.

use contracts::CategoryId;
use kit::http::{Ifs, etag};
use kit::idempotency::{Answer, Given, Key, once};
use kit::problem::FieldError;
use kit::{DbError, Query, Tx};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use crate::domain::{
    Attribute, CATEGORIES_MAX, Category, CategoryInput, CategoryNode, DEPTH_MAX, NewCategory, ProductInput, Status, attribute_errors, tree,
};
use crate::error::Error;
use crate::store::{self, Counts};

/// A category with what is above and below it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CategoryPage {
    /// The category, and below it the others.
    #[serde(flatten)]
    pub node: CategoryNode,
    /// Those above it, the root first.
    path: Vec<Crumb>,
    /// What those above it ask of its products.
    inherited_attributes: Vec<Attribute>,
}

/// A category on the way to another.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Crumb {
    id: CategoryId,
    slug: String,
    name: String,
}

impl App {
    /// The whole tree, with counts of a second ago at most.
    pub async fn categories(&self) -> Result<Vec<CategoryNode>, Error> {
        let counts = self.counted.get(&self.db, &self.clock).await?;
        self.db.read_stale(move |q| Ok(tree(store::categories(q, &counts)?))).await
    }

    /// One category by id or slug.
    pub async fn category(&self, id_or_slug: String) -> Result<CategoryPage, Error> {
        let counts = self.counted.get(&self.db, &self.clock).await?;
        self.db.read(move |q| page(q, &id_or_slug, &counts)).await
    }

    /// The id of a category by id or slug.
    pub async fn category_id(&self, id_or_slug: String) -> Result<CategoryId, Error> {
        let found = self.db.read(move |q| match id_or_slug.parse::<CategoryId>() {
            Ok(id) => Ok::<_, Error>(store::upwards(q, id)?.first().copied()),
            Err(_) => Ok(store::category_by_slug(q, &id_or_slug)?),
        });
        found.await?.ok_or(Error::NoCategory)
    }

    /// Adds a category.
    pub async fn add_category(&self, input: CategoryInput, key: Option<Key>) -> Result<Given, Error> {
        let new = input.check().map_err(Error::Invalid)?;
        self.db
            .write(move |tx| {
                once(tx, key.as_ref(), |tx| {
                    let id = add(tx, &new)?;
                    let made = store::category(tx, id)?.ok_or(Error::NoCategory)?;
                    Ok(Answer::new(201, Some(format!("/api/v1/categories/{id}")), &CategoryNode { category: made, children: Vec::new() }))
                })
            })
            .await
    }

    /// Changes a category; where its parent changes, all below it moves along.
    pub async fn change_category(&self, id: CategoryId, input: CategoryInput, ifs: Ifs) -> Result<CategoryPage, Error> {
        let new = input.check().map_err(Error::Invalid)?;
        self.db
            .write(move |tx| {
                store::hold_tree(tx)?;
                let found = store::category(tx, id)?.ok_or(Error::NoCategory)?;
                ifs.check(&etag(found.version)).map_err(Error::Stale)?;
                let moves = new.parent_id != found.parent_id;
                if moves {
                    hangs_well(tx, Some(id), new.parent_id)?;
                }
                if !store::update_category(tx, id, &new)? {
                    return Err(Error::SlugTaken);
                }
                if moves {
                    store::rehang(tx, id, new.parent_id)?;
                }
                let counts = store::category_counts(tx)?;
                page(tx, &id.to_string(), &counts)
            })
            .await
    }

    /// Takes away a category in which nothing lies.
    pub async fn delete_category(&self, id: CategoryId, ifs: Ifs) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                store::hold_tree(tx)?;
                let found = store::category(tx, id)?.ok_or(Error::NoCategory)?;
                ifs.check(&etag(found.version)).map_err(Error::Stale)?;
                if store::delete_category(tx, id)? { Ok(()) } else { Err(Error::NotEmpty) }
            })
            .await
    }
}

/// Adds a category to the tree.
fn add(tx: &mut Tx, new: &NewCategory) -> Result<CategoryId, Error> {
    is_room_for(store::hold_tree(tx)?.len(), 1)?;
    hangs_well(tx, None, new.parent_id)?;
    let id = CategoryId(tx.id());
    if store::insert_category(tx, id, new)? { Ok(id) } else { Err(Error::SlugTaken) }
}

/// Whether there can be so many more categories.
pub(super) fn is_room_for(there: usize, more: usize) -> Result<(), Error> {
    match there + more <= CATEGORIES_MAX {
        true => Ok(()),
        false => Err(Error::TooMany("there are as many categories as there can be: 5,000")),
    }
}

/// Whether a tree can have so many levels.
pub(super) fn reaches_down(levels: usize) -> Result<(), Error> {
    if levels > DEPTH_MAX { Err(misplaced("depth", "the tree is at most 10 deep")) } else { Ok(()) }
}

fn misplaced(code: &'static str, detail: &str) -> Error {
    Error::Invalid(vec![FieldError { pointer: "/parentId".into(), code, detail: detail.into() }])
}

/// Whether a category (a new one for `None`) can hang under `parent`: it exists, is not below it, and is not too deep.
fn hangs_well(tx: &mut Tx, id: Option<CategoryId>, parent: Option<CategoryId>) -> Result<(), Error> {
    let Some(parent) = parent else { return Ok(()) };
    let above = store::upwards(tx, parent)?;
    if above.is_empty() {
        return Err(misplaced("unknown_category", "there is no such category"));
    }
    if id.is_some_and(|id| above.contains(&id)) {
        return Err(misplaced("cycle", "a category cannot lie in itself or below itself"));
    }
    let below = id.map_or(Ok(0), |id| store::height(tx, id))?;
    reaches_down(above.len() + 1 + usize::try_from(below).unwrap_or(DEPTH_MAX))
}

fn page(q: &mut Query, id_or_slug: &str, counts: &Counts) -> Result<CategoryPage, Error> {
    let all = store::categories(q, counts)?;
    let found = all.iter().find(|c| c.slug == id_or_slug || c.id.to_string() == id_or_slug.to_lowercase()).ok_or(Error::NoCategory)?.id;
    let parent_of = |c: &Category| c.parent_id.and_then(|p| all.iter().find(|o| o.id == p).cloned());
    let mut above: Vec<Category> = Vec::new();
    let mut next = all.iter().find(|c| c.id == found).and_then(parent_of);
    while let Some(category) = next.take().filter(|_| above.len() < DEPTH_MAX) {
        next = parent_of(&category);
        above.insert(0, category);
    }
    let inherited_attributes = above.iter().flat_map(|c| c.attributes.clone()).collect();
    let path = above.into_iter().map(|c| Crumb { id: c.id, slug: c.slug, name: c.name }).collect();
    let node = find(tree(all), found).ok_or(Error::NoCategory)?;
    Ok(CategoryPage { node, path, inherited_attributes })
}

fn find(nodes: Vec<CategoryNode>, id: CategoryId) -> Option<CategoryNode> {
    nodes.into_iter().find_map(|node| if node.category.id == id { Some(node) } else { find(node.children, id) })
}

/// What keeps a product out of the categories that it names.
pub(super) fn misfiled_in(q: &mut Query, input: &ProductInput, status: Status) -> Result<Option<Error>, DbError> {
    Ok(misfiled(store::asked_of(q, &input.category_ids)?.as_deref(), input, status))
}

/// As [`misfiled_in`], where it is known what the categories ask; `None` where one of them does not exist.
pub(super) fn misfiled(asked: Option<&[Attribute]>, input: &ProductInput, status: Status) -> Option<Error> {
    let Some(asked) = asked else {
        let detail = "one of these categories does not exist".into();
        return Some(Error::Invalid(vec![FieldError { pointer: "/categoryIds".into(), code: "unknown_category", detail }]));
    };
    let errors = attribute_errors(asked, &input.attributes, status != Status::Published);
    (!errors.is_empty()).then_some(Error::Invalid(errors))
}
