//! The tree as files see it, which call categories by the names on the way to them: what of a path is there, and what would
//! have to be made.

use std::collections::{BTreeMap, BTreeSet};

use contracts::CategoryId;

use super::{NewCategory, numbered_slug};

/// A category in its place.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its id.
    pub id: CategoryId,
    /// Above it.
    pub parent_id: Option<CategoryId>,
    /// Its name.
    pub name: String,
    /// Its name in addresses.
    pub slug: String,
}

/// All categories by what paths say of them.
#[derive(Default)]
pub struct Shape {
    /// Those above each.
    parents: BTreeMap<CategoryId, Option<CategoryId>>,
    /// Of siblings that are called the same the first by id.
    names: BTreeMap<(Option<CategoryId>, String), CategoryId>,
    slugs: BTreeMap<String, CategoryId>,
}

/// What is there of a path, and what is missing.
#[derive(Debug)]
pub struct Way {
    /// The deepest one that is there.
    pub there: Option<CategoryId>,
    /// Those below it, the upper ones first, each with what is above it and a slug that nobody has.
    pub missing: Vec<(CategoryId, NewCategory)>,
}

impl Way {
    /// The category at the end.
    pub fn end(&self) -> Option<CategoryId> {
        self.missing.last().map(|(id, _)| *id).or(self.there)
    }
}

impl Shape {
    /// Of categories in the order of their ids.
    pub fn new(all: impl IntoIterator<Item = Placed>) -> Shape {
        let mut shape = Shape::default();
        all.into_iter().for_each(|placed| shape.add(placed));
        shape
    }

    /// How many categories there are.
    pub fn count(&self) -> usize {
        self.parents.len()
    }

    /// What is above a category.
    pub fn above(&self, id: CategoryId) -> Option<CategoryId> {
        self.parents.get(&id).copied().flatten()
    }

    /// The way along a path, the root first; categories that are missing get ids that are drawn. They are compared by their
    /// names: two paths can have the same slug, since a slug does not say where a name ends, and a long one is cut. A single
    /// name may be the slug or the id of a category that is there; `None` where it is the id of none.
    pub fn way(&self, path: &[NewCategory], mut draw: impl FnMut() -> CategoryId) -> Option<Way> {
        if let [only] = path {
            let id = only.name.parse::<CategoryId>();
            let known = id.as_ref().map_or_else(|_| self.slugs.get(&only.name), |id| self.parents.get_key_value(id).map(|(id, _)| id));
            if known.is_some() || id.is_ok() {
                return known.map(|id| Way { there: Some(*id), missing: Vec::new() });
            }
        }
        let (mut there, mut depth) = (None, 0);
        while let Some(id) = path.get(depth).and_then(|node| self.names.get(&(there, node.name.clone()))) {
            there = Some(*id);
            depth += 1;
        }
        let (mut missing, mut above, mut taken) = (Vec::new(), there, BTreeSet::new());
        for node in path.iter().skip(depth) {
            let (id, slug) = (draw(), self.free_slug(&node.slug, &taken));
            taken.insert(slug.clone());
            missing.push((id, NewCategory { slug, parent_id: above, ..node.clone() }));
            above = Some(id);
        }
        above.map(|_| Way { there, missing })
    }

    /// From now on what was missing is there.
    pub fn grow(&mut self, way: &Way) {
        for (id, new) in &way.missing {
            self.add(Placed { id: *id, parent_id: new.parent_id, name: new.name.clone(), slug: new.slug.clone() });
        }
    }

    fn add(&mut self, placed: Placed) {
        self.parents.insert(placed.id, placed.parent_id);
        self.names.entry((placed.parent_id, placed.name)).or_insert(placed.id);
        self.slugs.insert(placed.slug, placed.id);
    }

    /// A slug, or with a number behind it where other categories have it.
    fn free_slug(&self, wanted: &str, taken: &BTreeSet<String>) -> String {
        let (mut slug, mut n) = (wanted.to_owned(), 1);
        while self.slugs.contains_key(&slug) || taken.contains(&slug) {
            n += 1;
            slug = numbered_slug(wanted, n);
        }
        slug
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn path(names: &[&str]) -> Vec<NewCategory> {
        let slug = |i: usize| super::super::slug(&names[..=i].join(" "));
        let node = |(i, name): (usize, &&str)| NewCategory {
            name: (*name).into(),
            slug: slug(i),
            parent_id: None,
            place: 0,
            attributes: Vec::new(),
        };
        names.iter().enumerate().map(node).collect()
    }

    #[test]
    fn a_path_takes_what_is_there_and_what_the_paths_before_it_have_made() {
        let (mut shape, mut drawn) = (Shape::default(), 0);
        let mut made = |names: &[&str]| {
            let way = shape.way(&path(names), || {
                drawn += 1;
                CategoryId(Uuid::from_u128(drawn))
            });
            let way = way.unwrap();
            shape.grow(&way);
            way.missing.iter().map(|(_, new)| new.slug.clone()).collect::<Vec<_>>()
        };
        assert_eq!(made(&["A", "B C"]), ["a", "a-b-c"]);
        assert_eq!(made(&["A B", "C"]), ["a-b", "a-b-c-2"], "another one with the same slug");
        assert_eq!(made(&["A", "B C", "D"]), ["a-b-c-d"]);
        for there in [&["A", "B C"][..], &["A"], &["a-b-c-d"]] {
            assert!(made(there).is_empty(), "{there:?}");
        }
        assert_eq!(shape.count(), 5);
        assert!(shape.way(&path(&[]), CategoryId::default).is_none());
        assert!(shape.way(&path(&["01900000-0000-7000-8000-00000000dead"]), CategoryId::default).is_none(), "the id of nothing");
    }
}
