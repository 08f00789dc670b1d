//! One OpenAPI 3.1 document of all services.

use kit::http::{RouteInfo, Who};
use serde_json::{Map, Value as Json, json};
use utoipa::openapi::OpenApi;

use crate::table::Table;

const DESCRIPTION: &str = "\
Every route of the marketplace. Amounts are integer minor units beside their currency, times are RFC 3339 in UTC, ids are \
UUIDs. Lists are paged by `limit` and `cursor`. Errors are RFC 9457 problems with a stable `code`. Whatever creates or \
moves something takes an `Idempotency-Key`. `x-haat-who` says who may call an operation.";

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Merges what the services say of themselves, as far as `table` has their routes.
pub fn merged(services: Vec<(&'static str, OpenApi)>, table: &Table, public_url: &str) -> Result<Json, serde_json::Error> {
    let (mut paths, mut schemas, mut tags) = (Map::new(), Map::new(), Vec::new());
    for (service, openapi) in services {
        let mut described = serde_json::to_value(openapi)?;
        take_schemas(service, &mut described, &mut schemas);
        let before = paths.len();
        for (path, item) in described.get("paths").and_then(Json::as_object).into_iter().flatten() {
            if let Some(item) = operations(service, path, item, table) {
                let there = paths.entry(path.clone()).or_insert_with(|| json!({}));
                if let Some(there) = there.as_object_mut() {
                    there.extend(item);
                }
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
            "responses": {"Problem": {
                "description": "What went wrong.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }},
            "securitySchemes": {
                "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "cartToken": {"type": "apiKey", "in": "header", "name": "X-Cart-Token"},
            },
        },
    }))
}

/// The operations of one path that may be called, with who may.
fn operations(service: &str, path: &str, item: &Json, table: &Table) -> Option<Map<String, Json>> {
    let mut kept = Map::new();
    for (key, value) in item.as_object()? {
        if !METHODS.contains(&key.as_str()) {
            continue;
        }
        let method = key.to_ascii_uppercase().parse().ok()?;
        if let Some(route) = table.declared(&method, path) {
            kept.insert(key.clone(), operation(service, value, route));
        }
    }
    (!kept.is_empty()).then_some(kept)
}

fn operation(service: &str, described: &Json, route: &RouteInfo) -> Json {
    let mut operation = described.clone();
    let name = described.get("operationId").and_then(Json::as_str).unwrap_or_default();
    let method = route.method.as_str().to_ascii_lowercase();
    let id = if name.is_empty() { format!("{service}_{method}_{}", route.path) } else { format!("{service}_{name}_{method}") };
    if let Some(members) = operation.as_object_mut() {
        members.insert("operationId".into(), json!(id));
        members.insert("tags".into(), json!([service]));
        members.insert("x-haat-who".into(), who(route.who));
        members.insert("security".into(), security(route.who));
        let responses = members.entry("responses").or_insert_with(|| json!({}));
        if let Some(responses) = responses.as_object_mut() {
            responses.insert("default".into(), json!({"$ref": "#/components/responses/Problem"}));
        }
    }
    operation
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
    let Some(own) = described.pointer("/components/schemas").and_then(Json::as_object).cloned() else { return };
    let taken = |name: &String, schema: &Json| name == "Problem" || schemas.get(name).is_some_and(|other| other != schema);
    let renamed: Vec<String> = own.iter().filter(|(name, schema)| taken(name, schema)).map(|(name, _)| name.clone()).collect();
    let new_name = |name: &str| format!("{}{name}", capitalised(service));
    if !renamed.is_empty() {
        refer(described, &|name| renamed.iter().any(|r| r == name).then(|| new_name(name)));
    }
    for (name, schema) in described.pointer("/components/schemas").and_then(Json::as_object).into_iter().flatten() {
        let name = if renamed.contains(name) { new_name(name) } else { name.clone() };
        schemas.insert(name, schema.clone());
    }
}

/// Changes every reference to a schema for which `new_name` has another name.
fn refer(value: &mut Json, new_name: &impl Fn(&str) -> Option<String>) {
    const PREFIX: &str = "#/components/schemas/";
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
    use kit::Role;
    use kit::http::Method;

    use super::*;

    fn described(path: &str, schema: Json) -> OpenApi {
        serde_json::from_value(json!({
            "openapi": "3.1.0",
            "info": {"title": "", "version": ""},
            "paths": {path: {"get": {"operationId": "list", "responses": {"200": {
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
        let table = Table::new(vec![route("a", "/a", Who::Public), route("b", "/b", Who::Roles(&[Role::Admin]))], true).unwrap();
        let services = vec![
            ("a", described("/a", json!({"type": "string"}))),
            ("b", described("/b", json!({"type": "array", "items": {"$ref": "#/components/schemas/Item"}}))),
        ];
        let merged = merged(services, &table, "http://haat.test").unwrap();
        let schema_of =
            |path: &str| merged.pointer(&format!("/paths/~1{path}/get/responses/200/content/application~1json/schema/$ref")).unwrap();
        assert_eq!(schema_of("a"), "#/components/schemas/Item");
        assert_eq!(schema_of("b"), "#/components/schemas/BItem");
        assert_eq!(merged["components"]["schemas"]["BItem"]["items"]["$ref"], "#/components/schemas/BItem");
        assert_eq!(merged["paths"]["/b"]["get"]["x-haat-who"], json!(["admin"]));
        assert_eq!(merged["paths"]["/b"]["get"]["security"], json!([{"accessToken": []}]));
        assert_ne!(merged["paths"]["/a"]["get"]["operationId"], merged["paths"]["/b"]["get"]["operationId"]);
    }

    #[test]
    fn what_cannot_be_called_is_not_described() {
        let table = Table::new(vec![route("sandbox", "/sandbox/x", Who::Public)], false).unwrap();
        let merged = merged(vec![("sandbox", described("/sandbox/x", json!({"type": "string"})))], &table, "").unwrap();
        assert_eq!(merged["paths"], json!({}));
    }
}
