//! Whether a changed schema of one version harms somebody: a reader with the old type that gets new data, or a reader
//! with the new type that gets what lies in the logs.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

/// What breaks, or `None`. Members may be added and taken away as long as they are optional; words may change.
pub fn breaks(old: &Json, new: &Json) -> Option<String> {
    compare(&Side { root: old, at: old }, &Side { root: new, at: new }, "$")
}

struct Side<'a> {
    root: &'a Json,
    at: &'a Json,
}

impl<'a> Side<'a> {
    fn to(&self, at: &'a Json) -> Side<'a> {
        Side { root: self.root, at }
    }

    /// The schema that a `$ref` stands for.
    fn resolved(&self) -> Side<'a> {
        let target = self.at.get("$ref").and_then(Json::as_str).and_then(|r| r.strip_prefix('#'));
        match target.and_then(|pointer| self.root.pointer(pointer)) {
            Some(at) => self.to(at).resolved(),
            None => self.to(self.at),
        }
    }
}

/// Words for people, and what is compared on its own.
const SKIPPED: [&str; 9] = ["description", "title", "default", "$schema", "$defs", "$ref", "properties", "required", "items"];

fn compare(old: &Side, new: &Side, path: &str) -> Option<String> {
    let (old, new) = (old.resolved(), new.resolved());
    let (Some(o), Some(n)) = (old.at.as_object(), new.at.as_object()) else {
        return (old.at != new.at).then(|| format!("{path} was {} and is {}", old.at, new.at));
    };
    let names: BTreeSet<&String> = o.keys().chain(n.keys()).filter(|k| !SKIPPED.contains(&k.as_str())).collect();
    for name in names {
        let path = format!("{path} {name}");
        match (o.get(name), n.get(name)) {
            (Some(Json::Array(a)), Some(Json::Array(b))) if name.ends_with("Of") && a.len() == b.len() => {
                let broken = a.iter().zip(b).find_map(|(a, b)| compare(&old.to(a), &new.to(b), &path));
                if broken.is_some() {
                    return broken;
                }
            }
            (a, b) if a == b => {}
            (a, b) => return Some(format!("{path} was {} and is {}", shown(a), shown(b))),
        }
    }
    members(&old, &new, o, n, path).or_else(|| match (o.get("items"), n.get("items")) {
        (Some(a), Some(b)) => compare(&old.to(a), &new.to(b), &format!("{path}[]")),
        (None, None) => None,
        _ => Some(format!("{path} has other items")),
    })
}

fn members(old: &Side, new: &Side, o: &Map<String, Json>, n: &Map<String, Json>, path: &str) -> Option<String> {
    let required = |m: &Map<String, Json>| -> BTreeSet<String> {
        m.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let (was, is) = (required(o), required(n));
    if let Some(name) = is.difference(&was).next() {
        return Some(format!("{path}.{name} is required now: what lies in the logs may lack it"));
    }
    if let Some(name) = was.difference(&is).next() {
        return Some(format!("{path}.{name} is no longer required: older readers cannot do without it"));
    }
    let (of_old, of_new) = (o.get("properties").and_then(Json::as_object), n.get("properties").and_then(Json::as_object));
    let (of_old, of_new) = (of_old?, of_new?);
    of_old.iter().find_map(|(name, a)| compare(&old.to(a), &new.to(of_new.get(name)?), &format!("{path}.{name}")))
}

fn shown(value: Option<&Json>) -> String {
    value.map_or("nothing".into(), Json::to_string)
}

#[test]
fn only_optional_members_may_come_and_go() {
    use serde_json::json;
    let object = |properties: Json, required: Json| json!({"type": "object", "properties": properties, "required": required});
    let old = object(json!({"a": {"type": "string"}, "b": {"type": "integer"}}), json!(["a"]));
    let cases = [
        (object(json!({"a": {"type": "string", "description": "x"}, "b": {"type": "integer"}}), json!(["a"])), None),
        (object(json!({"a": {"type": "string"}, "c": {"type": "boolean"}}), json!(["a"])), None),
        (object(json!({"a": {"type": "integer"}}), json!(["a"])), Some("$.a type")),
        (object(json!({"a": {"type": "string"}, "b": {"type": "integer"}}), json!(["a", "b"])), Some("$.b is required now")),
        (object(json!({"a": {"type": "string"}}), json!([])), Some("$.a is no longer required")),
        (object(json!({"a": {"type": ["string", "null"]}}), json!(["a"])), Some("$.a type")),
    ];
    for (new, expected) in cases {
        let found = breaks(&old, &new);
        assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
        assert!(found.unwrap_or_default().starts_with(expected.unwrap_or_default()), "expected {expected:?}");
    }
    let with_ref = |inner: &str| json!({"properties": {"m": {"$ref": "#/$defs/M"}}, "$defs": {"M": {"type": inner}}});
    assert!(breaks(&with_ref("string"), &with_ref("integer")).is_some(), "through references");
    assert_eq!(breaks(&with_ref("string"), &json!({"properties": {"m": {"type": "string"}}})), None, "or without them");
}
