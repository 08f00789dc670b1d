//! The tree in which products are filed, and what it asks of their attributes.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{CategoryId, Time};
use kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::slug;

/// How deep the tree can be.
pub const DEPTH_MAX: usize = 10;
/// How many categories there can be.
pub const CATEGORIES_MAX: usize = 5_000;
const ATTRIBUTES_MAX: usize = 50;
const ALLOWED_MAX: usize = 200;

/// What the value of an attribute is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttributeType {
    /// Words.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
}

/// An attribute that the products of a category have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// 1 to 60 characters.
    pub name: String,
    /// What its value is.
    pub r#type: AttributeType,
    /// Whether a published product must have it.
    #[serde(default)]
    pub required: bool,
    /// The values it can have; any where empty.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub allowed: Vec<Json>,
}

impl Attribute {
    fn is_of_type(&self, value: &Json) -> bool {
        match self.r#type {
            AttributeType::Text => value.is_string(),
            AttributeType::Number => value.is_number(),
            AttributeType::Boolean => value.is_boolean(),
        }
    }
}

/// A category as a caller sends it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CategoryInput {
    /// 1 to 100 characters.
    pub name: String,
    /// Its name in addresses, unique; made from the name where left out.
    pub slug: Option<String>,
    /// Above it; left out for a root.
    pub parent_id: Option<CategoryId>,
    /// Its place among its siblings, lowest first; equal ones go by name.
    #[serde(default)]
    pub place: i64,
    /// What its products, and those of the categories below it, have.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// A category that can be stored.
#[derive(Clone, Debug)]
pub struct NewCategory {
    /// Its name.
    pub name: String,
    /// Its name in addresses.
    pub slug: String,
    /// Above it.
    pub parent_id: Option<CategoryId>,
    /// Its place among its siblings.
    pub place: i64,
    /// What its products have.
    pub attributes: Vec<Attribute>,
}

impl CategoryInput {
    /// Says everything that is wrong with it.
    pub fn check(self) -> Result<NewCategory, Vec<FieldError>> {
        let mut errors = Vec::new();
        let name = self.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > 100 {
            errors.push(wrong("/name", "length", "a name has 1 to 100 characters"));
        }
        let made = slug(self.slug.as_deref().unwrap_or(&name));
        let as_sent = self.slug.as_deref().is_none_or(|s| s == made);
        if made.is_empty() || !as_sent {
            errors.push(wrong("/slug", "malformed", "a slug has 1 to 80 lower-case letters and digits, joined by hyphens"));
        }
        if !(-1_000_000..=1_000_000).contains(&self.place) {
            errors.push(wrong("/place", "range", "a place is -1,000,000 to 1,000,000"));
        }
        errors.extend(definition_errors(&self.attributes));
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(NewCategory { name, slug: made, parent_id: self.parent_id, place: self.place, attributes: self.attributes })
    }
}

fn definition_errors(attributes: &[Attribute]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if attributes.len() > ATTRIBUTES_MAX {
        errors.push(wrong("/attributes", "count", "a category has at most 50 attributes"));
    }
    let mut names = BTreeSet::new();
    for (i, a) in attributes.iter().enumerate() {
        if a.name.trim() != a.name || a.name.is_empty() || a.name.chars().count() > 60 {
            errors.push(wrong(format!("/attributes/{i}/name"), "length", "a name has 1 to 60 characters, none of them space at an end"));
        }
        if !names.insert(a.name.as_str()) {
            errors.push(wrong(format!("/attributes/{i}/name"), "duplicate", "another attribute of the category has this name"));
        }
        if a.allowed.len() > ALLOWED_MAX {
            errors.push(wrong(format!("/attributes/{i}/allowed"), "count", "at most 200 values"));
        }
        let odd = a.allowed.iter().position(|value| !a.is_of_type(value));
        errors.extend(odd.map(|n| wrong(format!("/attributes/{i}/allowed/{n}"), "type", "an allowed value is of the attribute's type")));
    }
    errors
}

/// What is wrong with a product's attributes for the categories it is filed in. A draft may lack some.
pub fn attribute_errors(asked: &[Attribute], given: &Map<String, Json>, is_draft: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for attribute in asked {
        let pointer = format!("/attributes/{}", attribute.name.replace('~', "~0").replace('/', "~1"));
        match given.get(&attribute.name) {
            None | Some(Json::Null) if attribute.required && !is_draft => {
                errors.push(wrong(pointer, "required", "the product's category asks for this attribute"));
            }
            None | Some(Json::Null) => {}
            Some(value) if !attribute.is_of_type(value) => {
                errors.push(wrong(pointer, "type", format!("expected {:?}, found {value}", attribute.r#type).to_lowercase()));
            }
            Some(value) if !attribute.allowed.is_empty() && !attribute.allowed.contains(value) => {
                let allowed: Vec<_> = attribute.allowed.iter().map(ToString::to_string).collect();
                errors.push(wrong(pointer, "not_allowed", format!("expected one of {}", allowed.join(", "))));
            }
            Some(_) => {}
        }
    }
    errors
}

fn wrong(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> FieldError {
    FieldError { pointer: pointer.into(), code, detail: detail.into() }
}

/// A category, with how much lies in it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Category {
    /// The category.
    pub id: CategoryId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Above it; null for a root.
    pub parent_id: Option<CategoryId>,
    /// Its place among its siblings.
    pub place: i64,
    /// What its products, and those of the categories below it, have.
    pub attributes: Vec<Attribute>,
    /// Published products in it or below it.
    pub product_count: i64,
    /// For entity tags.
    #[serde(skip)]
    pub version: i64,
    /// When it came into being.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// A category with those below it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct CategoryNode {
    /// The category itself.
    #[serde(flatten)]
    pub category: Category,
    /// Those directly below it, each with its own.
    #[schema(no_recursion)]
    pub children: Vec<CategoryNode>,
}

/// The trees of a list of categories; siblings stay in the list's order.
pub fn tree(list: Vec<Category>) -> Vec<CategoryNode> {
    let mut below: BTreeMap<Option<CategoryId>, Vec<Category>> = BTreeMap::new();
    for category in list {
        below.entry(category.parent_id).or_default().push(category);
    }
    grow(None, &mut below)
}

fn grow(parent: Option<CategoryId>, below: &mut BTreeMap<Option<CategoryId>, Vec<Category>>) -> Vec<CategoryNode> {
    let here = below.remove(&parent).unwrap_or_default();
    let node = |category: Category| CategoryNode { children: grow(Some(category.id), below), category };
    here.into_iter().map(node).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn attribute(json: Json) -> Attribute {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_product_has_what_its_categories_ask_for() {
        let asked = [
            attribute(json!({"name": "fabric", "type": "text", "required": true, "allowed": ["cotton", "silk"]})),
            attribute(json!({"name": "a/b", "type": "number"})),
            attribute(json!({"name": "washable", "type": "boolean"})),
        ];
        let cases = [
            (json!({"fabric": "cotton"}), false, vec![]),
            (json!({"fabric": "cotton", "a/b": 1.5, "washable": true, "other": [1]}), false, vec![]),
            (json!({}), false, vec![("/attributes/fabric", "required")]),
            (json!({"fabric": null}), false, vec![("/attributes/fabric", "required")]),
            (json!({}), true, vec![]),
            (json!({"fabric": "wool"}), true, vec![("/attributes/fabric", "not_allowed")]),
            (json!({"fabric": 1, "a/b": "x"}), false, vec![("/attributes/fabric", "type"), ("/attributes/a~1b", "type")]),
            (json!({"fabric": "silk", "washable": "yes"}), false, vec![("/attributes/washable", "type")]),
        ];
        for (given, is_draft, expected) in cases {
            let errors = attribute_errors(&asked, given.as_object().unwrap(), is_draft);
            let found: Vec<_> = errors.iter().map(|e| (e.pointer.as_str(), e.code)).collect();
            assert_eq!(found, expected, "{given}");
        }
    }

    #[test]
    fn everything_that_is_wrong_with_a_category_is_said() {
        let input: CategoryInput = serde_json::from_value(json!({"name": " ", "slug": "Not A Slug", "place": 9_000_000, "attributes": [
            {"name": "a", "type": "text", "allowed": ["x", 1]}, {"name": "a", "type": "number"}, {"name": "", "type": "boolean"}]}))
        .unwrap();
        let found: Vec<_> = input.check().unwrap_err().into_iter().map(|e| (e.pointer, e.code)).collect();
        let expected = [
            ("/name", "length"),
            ("/slug", "malformed"),
            ("/place", "range"),
            ("/attributes/0/allowed/1", "type"),
            ("/attributes/1/name", "duplicate"),
            ("/attributes/2/name", "length"),
        ];
        assert_eq!(found, expected.map(|(p, c)| (p.to_owned(), c)));
    }

    #[test]
    fn a_list_becomes_a_tree() {
        let id = |n: u128| CategoryId(uuid::Uuid::from_u128(n));
        let category = |n: u128, parent: Option<u128>| Category {
            id: id(n),
            slug: n.to_string(),
            name: n.to_string(),
            parent_id: parent.map(id),
            place: 0,
            attributes: Vec::new(),
            product_count: 0,
            version: 1,
            created_at: Time(0),
            updated_at: Time(0),
        };
        let trees = tree(vec![category(3, Some(2)), category(1, None), category(2, Some(1)), category(5, Some(1)), category(4, None)]);
        let shape = |node: &CategoryNode| (node.category.id, node.children.len());
        assert_eq!(trees.iter().map(shape).collect::<Vec<_>>(), [(id(1), 2), (id(4), 0)]);
        assert_eq!(trees[0].children.iter().map(shape).collect::<Vec<_>>(), [(id(2), 1), (id(5), 0)]);
    }
}
