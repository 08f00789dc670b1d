//! Categories by the names on the way to them, as files call them: `Clothes > Shirts`.

use contracts::CategoryId;
use kit::{DbError, Query, Tx};
use uuid::Uuid;

use super::App;
use super::categories::{is_room_for, reaches_down};
use crate::domain::{Attribute, CategoryInput, NewCategory, Shape, Way, slug};
use crate::error::Error;
use crate::store;

/// How a category of a file stands.
pub(crate) enum Standing {
    /// It is there.
    There(CategoryId),
    /// It would be made, below this one.
    Missing(Option<CategoryId>),
}

impl App {
    /// The category at the end of a path of names, with those on the way to it; made where they are not there. A single name
    /// may be the slug or the id of a category that is there.
    pub async fn ensure_category(&self, path: Vec<String>, attributes: Vec<Attribute>) -> Result<CategoryId, Error> {
        let nodes = nodes(&path, &attributes)?;
        self.db.write(move |tx| ensure(tx, &nodes)).await
    }

    /// As [`App::ensure_category`], but nothing is written. The paths `assumed` count as made before.
    pub async fn check_category(
        &self,
        path: Vec<String>,
        attributes: Vec<Attribute>,
        assumed: Vec<Vec<String>>,
    ) -> Result<Standing, Error> {
        let nodes_of = |path: &Vec<String>| nodes(path, &[]);
        let before = assumed.iter().map(nodes_of).collect::<Result<Vec<_>, _>>()?;
        let nodes = nodes(&path, &attributes)?;
        self.db.read(move |q| check(q, &before, &nodes)).await
    }
}

/// Each category on the way as it would be made: what is asked of products is asked by the last one.
fn nodes(path: &[String], attributes: &[Attribute]) -> Result<Vec<NewCategory>, Error> {
    let node = |(i, name): (usize, &String)| {
        let attributes = if i + 1 == path.len() { attributes.to_vec() } else { Vec::new() };
        // One that is cut may end between two words.
        let slug = Some(slug(&path[..=i].join(" ")).trim_end_matches('-').to_owned());
        let input = CategoryInput { name: name.clone(), slug, parent_id: None, place: 0, attributes };
        input.check().map_err(Error::Invalid)
    };
    path.iter().enumerate().map(node).collect()
}

fn ensure(tx: &mut Tx, nodes: &[NewCategory]) -> Result<CategoryId, Error> {
    if let Some(there) = named(tx, &names(nodes))? {
        return Ok(there);
    }
    store::hold_tree(tx)?;
    let mut shape = Shape::new(store::placed(tx)?);
    let way = grown(&mut shape, nodes, || CategoryId(tx.id()))?;
    for (id, new) in &way.missing {
        if !store::insert_category(tx, *id, new)? {
            return Err(Error::SlugTaken);
        }
    }
    way.end().ok_or(Error::NoCategory)
}

fn check(q: &mut Query, before: &[Vec<NewCategory>], nodes: &[NewCategory]) -> Result<Standing, Error> {
    if let Some(there) = named(q, &names(nodes))? {
        return Ok(Standing::There(there));
    }
    let mut shape = Shape::new(store::placed(q)?);
    // What is only assumed has ids that no category has.
    let mut drawn = 0;
    let is_assumed = |id: CategoryId| id.0.as_u128() <= ASSUMED_MAX;
    let mut draw = || {
        drawn += 1;
        CategoryId(Uuid::from_u128(drawn))
    };
    for nodes in before {
        grown(&mut shape, nodes, &mut draw)?;
    }
    let way = grown(&mut shape, nodes, &mut draw)?;
    let end = way.end().ok_or(Error::NoCategory)?;
    if !is_assumed(end) {
        return Ok(Standing::There(end));
    }
    let mut above = shape.above(end);
    while let Some(id) = above.filter(|id| is_assumed(*id)) {
        above = shape.above(id);
    }
    Ok(Standing::Missing(above))
}

/// Ids up to this one are of no category: those begin with the time.
const ASSUMED_MAX: u128 = u64::MAX as u128;

/// The way along a path, whose categories are all in the tree then; an error where that cannot be, and then it is as before.
fn grown(shape: &mut Shape, nodes: &[NewCategory], draw: impl FnMut() -> CategoryId) -> Result<Way, Error> {
    let way = shape.way(nodes, draw).ok_or(Error::NoCategory)?;
    if !way.missing.is_empty() {
        is_room_for(shape.count(), way.missing.len())?;
        reaches_down(nodes.len())?;
    }
    shape.grow(&way);
    Ok(way)
}

fn names(nodes: &[NewCategory]) -> Vec<&str> {
    nodes.iter().map(|n| n.name.as_str()).collect()
}

/// The category that a file calls so: its id, its slug, or the names on the way to it.
pub(super) fn category_named(q: &mut Query, name: &str) -> Result<Option<CategoryId>, DbError> {
    named(q, &name.split('>').map(str::trim).collect::<Vec<_>>())
}

/// The category at the end of a path that is there.
fn named(q: &mut Query, names: &[&str]) -> Result<Option<CategoryId>, DbError> {
    if let [only] = names
        && let Some(found) = known_as(q, only)?
    {
        return Ok(Some(found));
    }
    let there = store::categories_along(q, names)?;
    Ok(there.last().copied().filter(|_| there.len() == names.len()))
}

/// The category with this id or slug.
fn known_as(q: &mut Query, word: &str) -> Result<Option<CategoryId>, DbError> {
    match word.parse::<CategoryId>() {
        Ok(id) => Ok(store::upwards(q, id)?.first().copied()),
        Err(_) => store::category_by_slug(q, word),
    }
}
