//! One OpenAPI 3.1 document of all services.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value as Json, json};
use utoipa::openapi::OpenApi;

use super::{RouteInfo, Who};

const DESCRIPTION: &str = "\
Every route of the marketplace. Amounts are integer minor units beside their currency, times are RFC 3339 in UTC, ids are \
UUIDs. Lists are paged by `limit` and `cursor`. Errors are RFC 9457 problems with a stable `code`. Whatever creates or \
moves something takes an `Idempotency-Key`. `x-haat-who` says who may call an operation.";

const PREFIX: &str = "#/components/schemas/";

/// What headers mean that several services take.
const HEADERS: [(&str, &str); 4] = [
    ("Idempotency-Key", "1 to 255 visible ASCII characters, made up for what is to be done once. A repeat gets the first answer."),
    ("If-Match", "The `ETag` of what was read. Where it has changed since, the answer is `412` and nothing happens."),
    ("Prefer", "`wait=10` (RFC 7240): the answer may come so many seconds later, when there is something new to say."),
    ("X-Cart-Token", "A guest's key to a cart and its orders, as the first answer gave it."),
];

/// Merges what the services say of themselves, as far as it is in `routes`.
pub fn document(mut services: Vec<(&'static str, OpenApi)>, routes: &[RouteInfo], public_url: &str) -> Result<Json, serde_json::Error> {
    let routes: BTreeMap<_, _> = routes.iter().map(|r| ((r.path.as_str(), r.method.as_str().to_ascii_lowercase()), r)).collect();
    // Of two schemas with one name the first keeps it.
    services.sort_by_key(|(service, _)| *service);
    let (mut paths, mut schemas, mut tags) = (Map::new(), Map::new(), Vec::new());
    for (service, openapi) in services {
        let mut described = serde_json::to_value(openapi)?;
        take_schemas(service, &mut described, &mut schemas);
        let before = paths.len();
        for (path, item) in described.get("paths").and_then(Json::as_object).into_iter().flatten() {
            let found = item.as_object().into_iter().flatten();
            let found = found.filter_map(|(method, operation)| Some((method, operation, routes.get(&(path.as_str(), method.clone()))?)));
            for (method, operation, route) in found {
                let item = paths.entry(path.replace("{*", "{")).or_insert_with(|| json!({}));
                item[method] = completed(service, operation, route);
            }
        }
        if paths.len() > before {
            tags.push(json!({"name": service}));
        }
    }
    schemas.insert("Problem".into(), problem_schema());
    Ok(json!({
        "openapi": "3.1.0",
        "info": {"title": "haat", "version": env!("CARGO_PKG_VERSION"), "description": DESCRIPTION},
        "servers": [{"url": public_url}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Problem": {"description": "What went wrong.", "content": problem()}},
            "securitySchemes": {
                "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "cartToken": {"type": "apiKey", "in": "header", "name": "X-Cart-Token"},
            },
        },
    }))
}

/// An operation with what holds for all of them: its name, who may call it, and that every error is a problem.
fn completed(service: &str, described: &Json, route: &RouteInfo) -> Json {
    let mut operation = described.clone();
    let name = described["operationId"].as_str().unwrap_or_default();
    operation["operationId"] = json!(format!("{service}_{name}"));
    if let Some(summary) = operation.get_mut("summary") {
        *summary = json!(summary.as_str().unwrap_or_default().replace('\n', " "));
    }
    operation["tags"] = json!([service]);
    operation["x-haat-who"] = who(route.who);
    operation["security"] = security(route.who);
    let parameters = operation.get_mut("parameters").and_then(Json::as_array_mut);
    parameters.into_iter().flatten().for_each(complete_parameter);
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        let Ok(status) = status.parse::<StatusCode>() else { continue };
        let Some(response) = response.as_object_mut() else { continue };
        if response.get("description").is_none_or(|text| text == "") {
            response.insert("description".into(), json!(status.canonical_reason().unwrap_or_default()));
        }
        if status.as_u16() >= 400 && !response.contains_key("content") {
            response.insert("content".into(), problem());
        }
    }
    operation["responses"]["default"] = json!({"$ref": "#/components/responses/Problem"});
    operation
}

/// What may be left out is left out, not null; and headers that several services take are explained once.
fn complete_parameter(parameter: &mut Json) {
    let schema = &mut parameter["schema"];
    if let Some([one]) = without_null(schema.get_mut("type")) {
        schema["type"] = one.clone();
    }
    if let Some([one]) = without_null(schema.get_mut("oneOf")) {
        *schema = one.clone();
    }
    if let Some((_, text)) = HEADERS.iter().find(|(name, _)| parameter["in"] == "header" && parameter["name"] == *name) {
        parameter["description"] = json!(text);
    }
}

/// What a list of types or schemas allows besides null.
fn without_null(choices: Option<&mut Json>) -> Option<&[Json]> {
    let choices = choices?.as_array_mut()?;
    choices.retain(|choice| choice != "null" && choice.get("type").is_none_or(|kind| kind != "null"));
    Some(choices)
}

fn problem() -> Json {
    json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}})
}

fn who(who: Who) -> Json {
    match who {
        Who::Public => json!("public"),
        Who::Guest => json!("guest"),
        Who::User => json!("user"),
        Who::Roles(roles) => json!(roles.iter().map(|r| r.as_str()).collect::<Vec<_>>()),
    }
}

fn security(who: Who) -> Json {
    match who {
        Who::Public => json!([{}, {"accessToken": []}]),
        Who::Guest => json!([{"accessToken": []}, {"cartToken": []}, {}]),
        Who::User | Who::Roles(_) => json!([{"accessToken": []}]),
    }
}

/// Moves a service's schemas into the common ones. A name that already means something else gets the service's name in
/// front, here and wherever the service refers to it.
fn take_schemas(service: &str, described: &mut Json, schemas: &mut Map<String, Json>) {
    let Some(own) = described.pointer_mut("/components/schemas").and_then(Json::as_object_mut) else { return };
    name_rows(own);
    let own = own.clone();
    let mut renamed: Vec<&String> = Vec::new();
    let new_name = |renamed: &[&String], name: &str| renamed.iter().any(|r| *r == name).then(|| format!("{}{name}", capitalised(service)));
    loop {
        // What refers to something renamed is another one than its namesake, too.
        let differs = |(name, schema): &(&String, &Json)| {
            let mut schema = (*schema).clone();
            refer(&mut schema, &|name| new_name(&renamed, name));
            *name == "Problem" || schemas.get(*name).is_some_and(|other| *other != schema)
        };
        let more: Vec<_> = own.iter().filter(|(name, _)| !renamed.contains(name)).filter(differs).map(|(name, _)| name).collect();
        if more.is_empty() {
            break;
        }
        renamed.extend(more);
    }
    refer(described, &|name| new_name(&renamed, name));
    for (name, schema) in described.pointer("/components/schemas").and_then(Json::as_object).into_iter().flatten() {
        schemas.insert(new_name(&renamed, name).unwrap_or_else(|| name.clone()), schema.clone());
    }
}

/// A page spells its rows out; here it refers to them by their name.
fn name_rows(schemas: &mut Map<String, Json>) {
    let mut rows = Vec::new();
    for (page, schema) in schemas.iter_mut() {
        let Some(row) = page.strip_prefix("Page_") else { continue };
        let Some(items) = schema.pointer_mut("/properties/data/items") else { continue };
        if items.get("$ref").is_none() {
            rows.push((row.to_owned(), std::mem::replace(items, json!({"$ref": format!("{PREFIX}{row}")}))));
        }
    }
    schemas.extend(rows);
}

/// Changes every reference to a schema for which `new_name` has another name.
fn refer(value: &mut Json, new_name: &impl Fn(&str) -> Option<String>) {
    match value {
        Json::Object(members) => {
            for (key, member) in members.iter_mut() {
                let renamed = (key == "$ref").then(|| member.as_str()?.strip_prefix(PREFIX).and_then(new_name)).flatten();
                match renamed {
                    Some(name) => *member = json!(format!("{PREFIX}{name}")),
                    None => refer(member, new_name),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| refer(item, new_name)),
        _ => {}
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

fn problem_schema() -> Json {
    json!({
        "type": "object",
        "description": "RFC 9457. Further members depend on the code.",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "For people."},
            "code": {"type": "string", "description": "Stable, for programs."},
            "requestId": {"type": ["string", "null"]},
            "traceId": {"type": "string", "description": "Where the request is traced."},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["pointer", "code", "detail"],
                    "properties": {
                        "pointer": {"type": "string", "description": "RFC 6901, into the body."},
                        "code": {"type": "string"},
                        "detail": {"type": "string"},
                    },
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::Method;
    use super::*;
    use crate::Role;

    fn described(path: &str, schema: Json) -> OpenApi {
        serde_json::from_value(json!({
            "openapi": "3.1.0",
            "info": {"title": "", "version": ""},
            "paths": {path: {"get": {"operationId": "list", "responses": {"404": {}, "200": {
                "description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}
            }}}}},
            "components": {"schemas": {"Item": schema}},
        }))
        .unwrap()
    }

    fn route(service: &'static str, path: &str, who: Who) -> RouteInfo {
        RouteInfo { service, method: Method::GET, path: path.into(), who, body_limit_bytes: 1, timeout_seconds: 1 }
    }

    #[test]
    fn services_with_the_same_names_do_not_get_mixed_up() {
        let routes = [route("a", "/a", Who::Public), route("b", "/b", Who::Roles(&[Role::Admin]))];
        let services = vec![
            ("a", described("/a", json!({"type": "string"}))),
            ("b", described("/b", json!({"type": "array", "items": {"$ref": "#/components/schemas/Item"}}))),
        ];
        let merged = document(services, &routes, "http://haat.test").unwrap();
        let schema_of =
            |path: &str| merged.pointer(&format!("/paths/~1{path}/get/responses/200/content/application~1json/schema/$ref")).unwrap();
        assert_eq!(schema_of("a"), "#/components/schemas/Item");
        assert_eq!(schema_of("b"), "#/components/schemas/BItem");
        assert_eq!(merged["components"]["schemas"]["BItem"]["items"]["$ref"], "#/components/schemas/BItem");
        assert_eq!(merged["paths"]["/b"]["get"]["x-haat-who"], json!(["admin"]));
        assert_eq!(merged["paths"]["/b"]["get"]["security"], json!([{"accessToken": []}]));
        assert_eq!(["/a", "/b"].map(|path| merged["paths"][path]["get"]["operationId"].clone()), ["a_list", "b_list"]);
    }

    #[test]
    fn what_refers_to_two_things_of_one_name_is_two_things() {
        let of = |kind: &str| {
            json!({"components": {"schemas": {
                "Page_Row": {"properties": {"data": {"type": "array", "items": {"type": kind}}}},
                "Pages": {"$ref": "#/components/schemas/Page_Row"},
            }}})
        };
        let mut schemas = Map::new();
        for (service, kind) in [("a", "string"), ("b", "string"), ("c", "integer")] {
            take_schemas(service, &mut of(kind), &mut schemas);
        }
        assert_eq!(schemas.keys().collect::<Vec<_>>(), ["Page_Row", "Pages", "Row", "CPage_Row", "CPages", "CRow"]);
        assert_eq!(schemas["Page_Row"]["properties"]["data"]["items"], json!({"$ref": "#/components/schemas/Row"}));
        assert_eq!(schemas["CPages"], json!({"$ref": "#/components/schemas/CPage_Row"}));
        assert_eq!((&schemas["Row"]["type"], &schemas["CRow"]["type"]), (&json!("string"), &json!("integer")));
    }

    #[test]
    fn every_error_is_a_problem() {
        let services = vec![("a", described("/a", json!({"type": "string"})))];
        let merged = document(services, &[route("a", "/a", Who::Public)], "").unwrap();
        let responses = &merged["paths"]["/a"]["get"]["responses"];
        assert_eq!(responses["404"], json!({"description": "Not Found", "content": problem()}));
        assert_eq!((&responses["200"]["description"], responses["200"]["content"].get("application/problem+json")), (&json!("OK"), None));
        assert_eq!(merged.pointer("/components/responses/Problem/content"), Some(&problem()));
    }

    #[test]
    fn parameters_are_absent_and_not_null() {
        let mut parameters = [
            json!({"name": "limit", "in": "query", "schema": {"type": ["integer", "null"], "format": "int64"}}),
            json!({"name": "kind", "in": "query", "schema": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Kind"}]}}),
            json!({"name": "If-Match", "in": "header", "schema": {"type": ["string", "null"]}}),
        ];
        parameters.iter_mut().for_each(complete_parameter);
        let schemas = parameters.each_ref().map(|p| p["schema"].clone());
        let kind = json!({"$ref": "#/components/schemas/Kind"});
        assert_eq!(schemas, [json!({"type": "integer", "format": "int64"}), kind, json!({"type": "string"})]);
        assert!(parameters[2]["description"].as_str().is_some_and(|text| text.contains("412")));
    }

    #[test]
    fn what_cannot_be_called_is_not_described() {
        let merged = document(vec![("sandbox", described("/sandbox/x", json!({"type": "string"})))], &[], "").unwrap();
        assert_eq!(merged["paths"], json!({}));
    }
}
