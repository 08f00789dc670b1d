//! Examples made from schemas, for the golden corpus.

use serde_json::{Map, Value as Json, json};

/// Which members an example has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Members {
    /// Every one.
    All,
    /// Only those without which it is not valid.
    Required,
}

/// An example of `schema`. Only what events use is known; more is a panic that says what.
pub fn of(schema: &Json, members: Members) -> Json {
    make(schema, schema, members)
}

fn make(root: &Json, schema: &Json, members: Members) -> Json {
    if let Some(pointer) = schema.get("$ref").and_then(Json::as_str).and_then(|r| r.strip_prefix('#')) {
        return make(root, root.pointer(pointer).expect("a reference leads somewhere"), members);
    }
    if let Some(value) = schema.get("const").or_else(|| schema.get("enum").and_then(|e| e.get(0))) {
        return value.clone();
    }
    let choices = ["anyOf", "oneOf"].iter().find_map(|name| schema.get(name)).and_then(Json::as_array);
    if let Some(choices) = choices {
        let is_null = |s: &Json| s.get("type").is_some_and(|t| t == "null");
        let chosen = choices.iter().find(|s| is_null(s) == (members == Members::Required)).or(choices.first());
        return make(root, chosen.expect("a choice has choices"), members);
    }
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(several)) => several.iter().filter_map(Json::as_str).collect(),
        _ => return Json::Null,
    };
    match kinds.iter().copied().find(|k| (*k == "null") == (kinds.len() > 1 && members == Members::Required)).unwrap_or(kinds[0]) {
        "object" => object(root, schema, members),
        "array" => json!([make(root, schema.get("items").unwrap_or(&Json::Null), members)]),
        "string" => string(schema),
        "integer" => schema.get("minimum").cloned().filter(|m| m.as_i64().is_some_and(|m| m > 0)).unwrap_or(json!(7)),
        "number" => json!(0.5),
        "boolean" => json!(true),
        "null" => Json::Null,
        other => panic!("no example for type {other}"),
    }
}

fn object(root: &Json, schema: &Json, members: Members) -> Json {
    let required: Vec<&str> = schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    let wanted = |name: &str| members == Members::All || required.contains(&name);
    let properties = schema.get("properties").and_then(Json::as_object).cloned().unwrap_or_default();
    let made = properties.iter().filter(|(name, _)| wanted(name)).map(|(name, s)| (name.clone(), make(root, s, members)));
    Json::Object(made.collect::<Map<_, _>>())
}

fn string(schema: &Json) -> Json {
    match (schema.get("format").and_then(Json::as_str), schema.get("pattern").and_then(Json::as_str)) {
        (Some("uuid"), _) => json!("01932c07-0000-7000-8000-000000000001"),
        (Some("date-time"), _) => json!("2026-01-31T12:00:00.000001Z"),
        (Some(other), _) => panic!("no example for format {other}"),
        (None, Some("^[A-Z]{3}$")) => json!("BDT"),
        (None, Some(other)) => panic!("no example for pattern {other}"),
        (None, None) => json!("text"),
    }
}
