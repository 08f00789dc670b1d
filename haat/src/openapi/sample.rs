//! Bodies to begin with, made from schemas and their examples.

use serde_json::{Map, Value as Json, json};

/// Schemas within schemas are followed so far.
const DEPTH_MAX: usize = 12;

/// A value that fits `schema`: what is required, and what has an example. An id is a variable of the collection.
pub fn of(document: &Json, schema: &Json) -> Json {
    sampled(document, schema, "", DEPTH_MAX)
}

/// The schema itself where it refers to another one.
fn resolved<'d>(document: &'d Json, schema: &'d Json) -> &'d Json {
    let target = schema["$ref"].as_str().and_then(|reference| document.pointer(reference.trim_start_matches('#')));
    target.unwrap_or(schema)
}

fn example(schema: &Json) -> Option<&Json> {
    schema.get("example").or_else(|| schema["examples"].get(0)).or_else(|| schema.get("default")).or_else(|| schema.get("const"))
}

fn sampled(document: &Json, schema: &Json, name: &str, depth: usize) -> Json {
    let schema = resolved(document, schema);
    if let Some(example) = example(schema).or_else(|| schema["enum"].get(0)) {
        return example.clone();
    }
    let choices = ["oneOf", "anyOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
    if let Some(choice) = choices.into_iter().find(|choice| choice["type"] != "null") {
        return sampled(document, choice, name, depth);
    }
    match (kind(schema), depth.checked_sub(1)) {
        ("object", Some(depth)) => object(document, schema, depth),
        ("array", Some(depth)) => json!([sampled(document, &schema["items"], name.trim_end_matches('s'), depth)]),
        ("array", None) => json!([]),
        ("integer" | "number", _) => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        ("boolean", _) => json!(false),
        ("string", _) => text(schema, name),
        _ => json!({}),
    }
}

fn kind(schema: &Json) -> &str {
    let kinds = schema["type"].as_array().into_iter().flatten().filter_map(Json::as_str);
    schema["type"].as_str().or_else(|| kinds.into_iter().find(|kind| *kind != "null")).unwrap_or("object")
}

fn object(document: &Json, schema: &Json, depth: usize) -> Json {
    let mut members = Map::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        if let Json::Object(of_part) = sampled(document, part, "", depth) {
            members.extend(of_part);
        }
    }
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        if required.contains(&name.as_str()) || example(resolved(document, member)).is_some() {
            members.insert(name.clone(), sampled(document, member, name, depth));
        }
    }
    Json::Object(members)
}

fn text(schema: &Json, name: &str) -> Json {
    match schema["format"].as_str() {
        Some("uuid") if name.ends_with("Id") => json!(format!("{{{{{name}}}}}")),
        Some("uuid") => json!("00000000-0000-7000-8000-000000000000"),
        Some("date-time") => json!("2026-01-01T00:00:00Z"),
        Some("date") => json!("2026-01-01"),
        Some("uri") => json!("https://example.com"),
        _ => json!("text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_or_has_an_example_is_there() {
        let document = json!({"components": {"schemas": {
            "Body": {"type": "object", "required": ["variantId", "tags", "price"], "properties": {
                "variantId": {"$ref": "#/components/schemas/VariantId"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "price": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Money"}]},
                "note": {"type": ["string", "null"]},
                "city": {"type": ["string", "null"], "example": "Dhaka"},
            }},
            "Money": {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer", "minimum": 0}}},
            "VariantId": {"type": "string", "format": "uuid"},
            "Loop": {"type": "object", "required": ["inner"], "properties": {"inner": {"$ref": "#/components/schemas/Loop"}}},
        }}});
        let body = of(&document, &json!({"$ref": "#/components/schemas/Body"}));
        assert_eq!(body, json!({"variantId": "{{variantId}}", "tags": ["text"], "price": {"amount": 0}, "city": "Dhaka"}));
        assert!(of(&document, &json!({"$ref": "#/components/schemas/Loop"})).is_object(), "a schema within itself ends");
    }
}
