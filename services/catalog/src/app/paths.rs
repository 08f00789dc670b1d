//! Categories by the names on the way to them, as files call them: `Clothes > Shirts`.

use contracts::CategoryId;
use kit::{DbError, Query, Tx};

use super::App;
use super::categories::{add, is_room_for, reaches_down};
use crate::domain::{Attribute, CategoryInput, NewCategory, numbered_slug, slug};
use crate::error::Error;
use crate::store;

impl App {
    /// The category at the end of a path of names, with those on the way to it; made where they are not there. A single name
    /// may be the slug or the id of a category that is there.
    pub async fn ensure_category(&self, path: Vec<String>, attributes: Vec<Attribute>) -> Result<CategoryId, Error> {
        let nodes = nodes(&path, &attributes)?;
        self.db.write(move |tx| ensure(tx, &nodes)).await
    }

    /// As [`App::ensure_category`], but nothing is written: `None` where the category would be made.
    pub async fn check_category(&self, path: Vec<String>, attributes: Vec<Attribute>) -> Result<Option<CategoryId>, Error> {
        let nodes = nodes(&path, &attributes)?;
        self.db.read(move |q| check(q, &nodes)).await
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
    let there = along(tx, nodes)?;
    let mut parent_id = there.last().copied();
    for node in nodes.iter().skip(there.len()) {
        let slug = free_slug(tx, &node.slug)?;
        parent_id = Some(add(tx, &NewCategory { slug, parent_id, ..node.clone() })?);
    }
    parent_id.ok_or(Error::NoCategory)
}

fn check(q: &mut Query, nodes: &[NewCategory]) -> Result<Option<CategoryId>, Error> {
    let there = along(q, nodes)?;
    if there.len() == nodes.len() {
        return there.last().copied().map(Some).ok_or(Error::NoCategory);
    }
    is_room_for(store::category_total(q)?, nodes.len() - there.len())?;
    reaches_down(nodes.len())?;
    Ok(None)
}

/// Those of a path that are there, the root first. They are compared by their names: two paths can have the same slug, since
/// a slug does not say where a name ends, and a long one is cut.
fn along(q: &mut Query, nodes: &[NewCategory]) -> Result<Vec<CategoryId>, Error> {
    if let [only] = nodes {
        if let Some(found) = known_as(q, &only.name)? {
            return Ok(vec![found]);
        }
        if only.name.parse::<CategoryId>().is_ok() {
            return Err(Error::NoCategory);
        }
    }
    let names: Vec<&str> = nodes.iter().map(|n| n.name.as_str()).collect();
    Ok(store::categories_along(q, &names)?)
}

/// The category that a file calls so: its id, its slug, or the names on the way to it.
pub(super) fn category_named(q: &mut Query, name: &str) -> Result<Option<CategoryId>, DbError> {
    if let Some(found) = known_as(q, name)? {
        return Ok(Some(found));
    }
    let names: Vec<&str> = name.split('>').map(str::trim).collect();
    let there = store::categories_along(q, &names)?;
    Ok(there.last().copied().filter(|_| there.len() == names.len()))
}

/// The category with this id or slug.
fn known_as(q: &mut Query, word: &str) -> Result<Option<CategoryId>, DbError> {
    match word.parse::<CategoryId>() {
        Ok(id) => Ok(store::upwards(q, id)?.first().copied()),
        Err(_) => store::category_by_slug(q, word),
    }
}

/// A slug, or with a number behind it where other categories have it. There are not so many categories that it takes long.
fn free_slug(q: &mut Query, wanted: &str) -> Result<String, DbError> {
    let (mut slug, mut n) = (wanted.to_owned(), 1);
    while store::category_by_slug(q, &slug)?.is_some() {
        n += 1;
        slug = numbered_slug(wanted, n);
    }
    Ok(slug)
}
