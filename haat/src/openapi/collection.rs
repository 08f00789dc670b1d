//! The routes as a Postman collection (v2.1): folders by service, variables for the address, the tokens and every id.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::sample;

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

const DESCRIPTION: &str = "\
Sign in (`identity`, or register): the answer's token is kept in the variable `token` and sent from then on. A guest's first \
answer from the cart fills `cartToken`: take the authorization off a request and switch its header X-Cart-Token on. Ids are \
variables such as `productId`.";

/// Runs after each answer: tokens are kept for the next request.
const KEEP_TOKENS: &[&str] = &[
    "const cart = pm.response.headers.get('X-Cart-Token');",
    "if (cart) pm.collectionVariables.set('cartToken', cart);",
    "const type = pm.response.headers.get('Content-Type') || '';",
    "const body = type.startsWith('application/json') ? pm.response.json() : null;",
    "if (body && body.accessToken) pm.collectionVariables.set('token', body.accessToken);",
];

/// The collection of an OpenAPI document.
pub fn of(document: &Json) -> Json {
    let folders = document["tags"].as_array().into_iter().flatten().map(|tag| {
        let requests: Vec<Json> = operations(document, &tag["name"]).map(|o| o.request(document)).collect();
        json!({"name": tag["name"], "item": requests})
    });
    let folders: Vec<Json> = folders.collect();
    let mut ids = BTreeSet::new();
    folders.iter().for_each(|folder| variables(folder, &mut ids));
    ids.retain(|id| !["baseUrl", "token", "cartToken", "$guid"].contains(&id.as_str()));
    let mut variables = vec![
        json!({"key": "baseUrl", "value": document["servers"][0]["url"]}),
        json!({"key": "token", "value": "", "description": "An access token."}),
        json!({"key": "cartToken", "value": "", "description": "A guest's."}),
    ];
    variables.extend(ids.iter().map(|id| json!({"key": id, "value": ""})));
    let description = format!("{}\n\n{DESCRIPTION}", document["info"]["description"].as_str().unwrap_or_default());
    json!({
        "info": {"name": document["info"]["title"], "version": document["info"]["version"], "description": description, "schema": SCHEMA},
        "item": folders,
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": KEEP_TOKENS}}],
        "variable": variables,
    })
}

struct Operation<'d> {
    path: &'d str,
    method: &'d str,
    described: &'d Json,
}

fn operations<'d>(document: &'d Json, tag: &'d Json) -> impl Iterator<Item = Operation<'d>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, described)| Operation { path, method, described })
    });
    all.filter(move |operation| operation.described["tags"][0] == *tag)
}

impl Operation<'_> {
    fn request(&self, document: &Json) -> Json {
        let summary = self.described["summary"].as_str().unwrap_or_default();
        let name = summary.split_once(". ").map_or(summary, |(first, _)| first).trim_end_matches('.');
        let description = [summary, self.described["description"].as_str().unwrap_or_default()].join("\n\n");
        let mut request = json!({
            "method": self.method.to_ascii_uppercase(),
            "header": self.headers(),
            "url": self.url(),
            "description": format!("{}\n\nWho may: {}.", description.trim(), self.who()),
        });
        // Everything else takes the collection's token.
        if self.described["x-haat-who"] == "public" {
            request["auth"] = json!({"type": "noauth"});
        }
        if let Some(body) = self.body(document) {
            request["body"] = body;
        }
        json!({"name": name, "request": request, "response": []})
    }

    fn who(&self) -> String {
        let who = &self.described["x-haat-who"];
        let roles: Vec<&str> = who.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        who.as_str().map_or_else(|| roles.join(", "), str::to_owned)
    }

    fn parameters(&self, place: &str) -> impl Iterator<Item = &Json> {
        self.described["parameters"].as_array().into_iter().flatten().filter(move |parameter| parameter["in"] == *place)
    }

    fn headers(&self) -> Vec<Json> {
        let mut headers = Vec::new();
        if let Some(kind) = self.body_kind() {
            headers.push(json!({"key": "Content-Type", "value": kind}));
        }
        for parameter in self.parameters("header") {
            let name = parameter["name"].as_str().unwrap_or_default();
            let value = match name {
                "Idempotency-Key" => "{{$guid}}",
                "X-Cart-Token" => "{{cartToken}}",
                "Prefer" => "wait=10",
                _ => "",
            };
            headers.push(json!({
                "key": name,
                "value": value,
                "description": parameter["description"].as_str().unwrap_or_default(),
                "disabled": parameter["required"] != true,
            }));
        }
        if self.described["x-haat-who"] == "guest" {
            let text = "A guest's, in place of the authorization.";
            headers.push(json!({"key": "X-Cart-Token", "value": "{{cartToken}}", "description": text, "disabled": true}));
        }
        headers
    }

    fn url(&self) -> Json {
        let mut before = "";
        let (mut path, mut places) = (Vec::new(), Vec::new());
        for part in self.path.split('/').skip(1) {
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => {
                    path.push(format!(":{name}"));
                    let parameter = self.parameters("path").find(|parameter| parameter["name"] == name);
                    let text = parameter.and_then(|p| p["description"].as_str()).unwrap_or_default();
                    places.push(json!({"key": name, "value": place(before, name), "description": text}));
                }
                None => path.push(part.to_owned()),
            }
            before = part;
        }
        let query = self.parameters("query").map(|parameter| {
            json!({
                "key": parameter["name"],
                "value": "",
                "description": parameter["description"].as_str().unwrap_or_default(),
                "disabled": parameter["required"] != true,
            })
        });
        let raw = format!("{{{{baseUrl}}}}/{}", path.join("/"));
        json!({"raw": raw, "host": ["{{baseUrl}}"], "path": path, "query": query.collect::<Vec<_>>(), "variable": places})
    }

    /// JSON where the operation takes it.
    fn body_kind(&self) -> Option<&str> {
        let kinds = self.described["requestBody"]["content"].as_object()?;
        kinds.keys().find(|kind| *kind == "application/json").or_else(|| kinds.keys().next()).map(String::as_str)
    }

    fn body(&self, document: &Json) -> Option<Json> {
        let kind = self.body_kind()?;
        if kind != "application/json" {
            return Some(json!({"mode": "raw", "raw": ""}));
        }
        let sample = sample::of(document, &self.described["requestBody"]["content"][kind]["schema"]);
        let raw = serde_json::to_string_pretty(&sample).unwrap_or_default();
        Some(json!({"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}))
    }
}

/// What stands in a path's place: `{id}` behind `orders` is the variable `orderId`.
fn place(before: &str, name: &str) -> String {
    let id = match name {
        "id" => format!("{}Id", camel_case(&singular(before))),
        name if name.ends_with("Id") => name.to_owned(),
        _ => return String::new(),
    };
    format!("{{{{{id}}}}}")
}

fn singular(word: &str) -> String {
    match word.strip_suffix("ies").or_else(|| word.strip_suffix("sses")) {
        Some(stem) if word.ends_with("ies") => format!("{stem}y"),
        Some(stem) => format!("{stem}ss"),
        None => word.strip_suffix('s').unwrap_or(word).to_owned(),
    }
}

fn camel_case(word: &str) -> String {
    let mut done = String::new();
    for part in word.split('-') {
        let mut letters = part.chars();
        match letters.next().filter(|_| !done.is_empty()) {
            Some(first) => done.extend(first.to_uppercase().chain(letters)),
            None => done.push_str(part),
        }
    }
    done
}

/// The names of all `{{variables}}` in it.
fn variables(value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::Object(members) => members.values().for_each(|member| variables(member, found)),
        Json::Array(items) => items.iter().for_each(|item| variables(item, found)),
        Json::String(text) => {
            let parts = text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
            found.extend(parts.map(|(name, _)| name.to_owned()));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_named_after_what_it_is_of() {
        let cases = [("orders", "orderId"), ("categories", "categoryId"), ("addresses", "addressId"), ("dead-letters", "deadLetterId")];
        for (before, expected) in cases {
            assert_eq!(place(before, "id"), format!("{{{{{expected}}}}}"));
        }
        assert_eq!((place("variants", "variantId"), place("pay", "token")), ("{{variantId}}".to_owned(), String::new()));
    }
}
