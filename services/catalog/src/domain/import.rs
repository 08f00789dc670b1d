//! Products as files bring them: as callers send them or as the API shows them, filed by name.

use kit::problem::FieldError;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{Attribute, AttributeType, NewProduct, ProductInput, check};

/// Members that a product has only once it is there.
const SHOWN: [&str; 7] = ["id", "slug", "vendorId", "vendorName", "rating", "createdAt", "updatedAt"];

/// A product that an import can store.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Checked, but for the categories that are named.
    pub new: NewProduct,
    /// Each a slug, an id, or names from the root such as `Clothes > Shirts`.
    pub categories: Vec<String>,
}

/// Reads a body: a product as `POST /products` takes it, or as `GET` shows it; `category` names where it is filed,
/// several joined by `|`.
pub fn imported(body: Json, public_url: &str) -> Result<Imported, Vec<FieldError>> {
    let malformed = |detail: String| vec![FieldError { pointer: String::new(), code: "malformed", detail }];
    let Json::Object(mut members) = body else { return Err(malformed("expected an object".into())) };
    if let (None, Some(slug)) = (members.get("handle"), members.get("slug").cloned()) {
        members.insert("handle".into(), slug);
    }
    SHOWN.iter().for_each(|name| drop(members.shift_remove(*name)));
    for (list, shown) in [("variants", ["id", "available"].as_slice()), ("media", &["id"])] {
        let rows = members.get_mut(list).and_then(Json::as_array_mut).into_iter().flatten().filter_map(Json::as_object_mut);
        rows.for_each(|row| shown.iter().for_each(|name| drop(row.shift_remove(*name))));
    }
    let categories = match members.shift_remove("category") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::String(text)) => text.split('|').map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).collect(),
        Some(other) => {
            let detail = format!("expected a slug or names such as Clothes > Shirts, found {other}");
            return Err(vec![FieldError { pointer: "/category".into(), code: "malformed", detail }]);
        }
    };
    let input = ProductInput::deserialize(Json::Object(members)).map_err(|e| malformed(e.to_string()))?;
    Ok(Imported { new: check(input.kept(public_url))?, categories })
}

/// Attributes whose words are numbers, or yes and no, where the product's categories ask for such: files have words only.
pub fn typed(asked: &[Attribute], given: &mut Map<String, Json>) {
    for attribute in asked {
        let Some(value) = given.get_mut(&attribute.name) else { continue };
        let Some(text) = value.as_str() else { continue };
        let meant = match attribute.r#type {
            AttributeType::Text => None,
            AttributeType::Number => serde_json::from_str(text).ok().filter(Json::is_number),
            AttributeType::Boolean => text.parse::<bool>().ok().map(Json::from),
        };
        if let Some(meant) = meant {
            *value = meant;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_shown_can_be_brought_in() {
        let price = json!({"amount": 5, "currency": "BDT"});
        let body = json!({"id": "x", "slug": "red-shirt", "vendorName": "Looms", "title": "Red shirt", "rating": {"count": 0},
            "category": "Clothes > Shirts | sale", "media": [{"id": "m", "url": "http://haat.test/media/a.png", "alt": "A"}],
            "variants": [{"id": "v", "sku": "S", "available": 4, "price": price, "weightGrams": 3}]});
        let found = imported(body, "http://haat.test").unwrap();
        assert_eq!((found.new.handle.as_str(), found.new.input.media[0].url.as_str()), ("red-shirt", "/media/a.png"));
        assert_eq!(found.categories, ["Clothes > Shirts", "sale"]);
        let pointer = |body| imported(body, "").unwrap_err().remove(0).pointer;
        assert_eq!(pointer(json!([])), "");
        assert_eq!(pointer(json!({"title": "x", "variants": [], "colour": 1})), "");
        assert_eq!(pointer(json!({"title": "x", "variants": []})), "/variants");
        assert_eq!(pointer(json!({"title": "x", "variants": [], "category": 1})), "/category");
    }

    #[test]
    fn words_become_what_is_asked_for() {
        let asked: Vec<Attribute> = serde_json::from_value(json!([{"name": "n", "type": "number"}, {"name": "b", "type": "boolean"},
            {"name": "t", "type": "text"}, {"name": "bad", "type": "number"}]))
        .unwrap();
        let mut given = json!({"n": "1.5", "b": "true", "t": "7", "bad": "x", "other": "1"}).as_object().unwrap().clone();
        typed(&asked, &mut given);
        assert_eq!(Json::Object(given), json!({"n": 1.5, "b": true, "t": "7", "bad": "x", "other": "1"}));
    }
}
