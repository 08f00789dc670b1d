//! Whatever is sent to any route, by whomever: never a 5xx, always a problem that says what is wrong.

use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use testing::Engine;

use crate::market::Market;
use crate::nodes::Layout;
use crate::outside::{Answer, Visitor};

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete"];
/// What stands for an id in a path.
const IDS: &[&str] =
    &["01890000-0000-7000-8000-000000000000", "x", "%00", "%ff%fe", "..%2f..", "%F0%9F%92%A3", "-1", "9999999999999999999999"];
/// What stands behind a question mark.
const QUERIES: &[&str] = &[
    "limit=0",
    "limit=-1",
    "limit=99999999999999999999",
    "limit=x",
    "cursor=x",
    "cursor=%00",
    "cursor=AAAA",
    "nothing=1",
    "limit=1&limit=2",
    "%ff=%ff",
    "%00=1",
    "limit=%00",
    "attr.%00=1",
    "attr.$.=1",
    "cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
];
/// Live streams do not end by themselves, and who is signed out is refused everywhere else.
const SPARED: &[&str] = &["/stream", "/auth/logout", "/users/account"];
/// No body of a route is larger than this; the largest that is sent is.
const HUGE: usize = 40 << 20;

/// One operation of the description.
pub struct Operation {
    pub method: String,
    pub path: String,
    /// Who may: a word, or a list of roles.
    pub who: Json,
    /// The schema of its body, references resolved.
    pub body: Option<Json>,
    /// The statuses with which it answers by a page for people.
    pub pages: Vec<String>,
}

#[test]
fn no_route_breaks_on_rubbish() {
    rubbish_breaks_nothing(Engine::Sqlite);
}

#[test]
fn no_route_breaks_on_rubbish_on_postgres() {
    rubbish_breaks_nothing(Engine::Postgres);
}

fn rubbish_breaks_nothing(engine: Engine) {
    testing::run(async {
        let market = Market::open(Layout::Together(engine)).await;
        let url = market.url().to_owned();
        let spec = market.outside.send_to(&Visitor::default(), "GET", &format!("{url}/openapi.json"), None, &[]).await.expect(200).body;
        let operations = operations(&spec);
        assert!(operations.len() > 60, "only {} operations are described", operations.len());
        let shopper = market.register("rubbish@journey.test").await;
        let mut wrong = Vec::new();
        let mut visitors = vec![market.sellers[0].clone(), market.admin.clone()];
        // Who is refused at the gateway is refused before any database is asked: one engine will do.
        if engine == Engine::Sqlite {
            visitors.extend([Visitor::default(), shopper.clone()]);
        }
        for operation in operations.iter().filter(|o| SPARED.iter().all(|end| !o.path.ends_with(end))) {
            for (place, path) in paths(&operation.path).into_iter().enumerate() {
                for visitor in &visitors {
                    let sent = json_bodies(operation, place);
                    for body in sent.iter().map(Some).chain(sent.is_empty().then_some(None)) {
                        wrong.extend(check(&market, visitor, operation, &format!("{url}{path}"), body.cloned()).await);
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
        let huge = Bytes::from(vec![b' '; HUGE]);
        let answer = market.outside.send_bytes(&shopper, "POST", &format!("{url}/api/v1/cart/items"), Some(huge)).await;
        assert!(answer.is_none_or(|a| a.status == 413), "a huge body is refused, by an answer or by hanging up");
        market.close().await;
    });
}

/// What is wrong with the answer.
async fn check(market: &Market, visitor: &Visitor, operation: &Operation, url: &str, body: Option<Bytes>) -> Option<String> {
    let shown = body.as_ref().map(|b| String::from_utf8_lossy(&b[..b.len().min(200)]).into_owned());
    let Some(answer) = market.outside.send_bytes(visitor, &operation.method.to_uppercase(), url, body).await else {
        return Some(format!("{} {url} with {shown:?}: no answer", operation.method));
    };
    let is_page = answer.header("content-type").starts_with("text/html") && operation.pages.contains(&answer.status.to_string());
    let is_fine = answer.status < 400 || answer.status < 500 && (is_page || is_problem(&answer));
    let told = || format!("{} {url} with {shown:?}: {} {}", operation.method, answer.status, String::from_utf8_lossy(&answer.bytes));
    (!is_fine).then(told)
}

fn is_problem(answer: &Answer) -> bool {
    let texts = ["type", "title", "code", "requestId"].iter().all(|member| answer.body[*member].is_string());
    texts && answer.header("content-type") == "application/problem+json" && answer.body["status"] == answer.status
}

/// All operations of a description.
pub fn operations(spec: &Json) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in spec["paths"].as_object().into_iter().flatten() {
        for (method, described) in item.as_object().into_iter().flatten().filter(|(method, _)| METHODS.contains(&method.as_str())) {
            let schema = &described["requestBody"]["content"]["application/json"]["schema"];
            let body = schema.is_object().then(|| resolved(spec, schema, 6));
            let answers = described["responses"].as_object().into_iter().flatten();
            let pages =
                answers.filter(|(_, answer)| answer["content"]["text/html"].is_object()).map(|(status, _)| status.clone()).collect();
            found.push(Operation { method: method.clone(), path: path.clone(), who: described["x-haat-who"].clone(), body, pages });
        }
    }
    found
}

/// A schema with what it refers to in its place, so deep.
fn resolved(spec: &Json, schema: &Json, depth: usize) -> Json {
    if depth == 0 {
        return json!({});
    }
    if let Some(name) = schema["$ref"].as_str() {
        return spec.pointer(name.trim_start_matches('#')).map_or(json!({}), |target| resolved(spec, target, depth - 1));
    }
    match schema {
        Json::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), resolved(spec, value, depth))).collect::<Map<_, _>>().into()
        }
        Json::Array(elements) => elements.iter().map(|e| resolved(spec, e, depth)).collect(),
        other => other.clone(),
    }
}

/// The path with one odd thing after the other in each of its places, then with odd queries.
fn paths(template: &str) -> Vec<String> {
    let fill = |with: &str| {
        let parts = template.split('/').map(|part| if part.starts_with('{') { with } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    let ids = if template.contains('{') { IDS } else { &IDS[..1] };
    let filled = ids.iter().map(|id| fill(id));
    filled.chain(QUERIES.iter().map(|query| format!("{}?{query}", fill(IDS[0])))).collect()
}

/// Bodies for the operation; all of them at its first path only.
fn json_bodies(operation: &Operation, place: usize) -> Vec<Bytes> {
    let Some(schema) = &operation.body else { return Vec::new() };
    let right = sample(schema);
    if place > 0 {
        return vec![right.to_string().into()];
    }
    let mut bodies: Vec<Bytes> = vec![
        Bytes::new(),
        "{".into(),
        "null".into(),
        "[]".into(),
        "\"x\"".into(),
        "{\"a\":1e999}".into(),
        Bytes::from_static(b"{\"\xff\xfe\": 1}"),
        "[".repeat(100_000).into(),
        "{\"a\":".repeat(100_000).into(),
    ];
    bodies.push(right.to_string().into());
    if let Json::Object(mut members) = right.clone() {
        members.insert("noSuchField".into(), json!(1));
        bodies.push(Json::Object(members.clone()).to_string().into());
        members.shift_remove("noSuchField");
        members.insert("\u{0}".into(), json!(1));
        bodies.push(Json::Object(members).to_string().into());
    }
    let mut pointers = Vec::new();
    leaves(&right, String::new(), &mut pointers);
    let odd = [
        json!(null),
        json!(-1),
        json!(0),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1.5),
        json!(1e300),
        json!(""),
        json!("\u{0}"),
        json!("x".repeat(70_000)),
        json!("\u{202e}ভাষা"),
        json!([]),
        json!({}),
        json!([[[[]]]]),
        json!({"amount": i64::MIN, "currency": "BDT"}),
        json!({"amount": 1, "currency": "XXX"}),
        json!({"amount": 1, "currency": "usd"}),
        json!(true),
    ];
    for pointer in &pointers {
        for value in &odd {
            let mut body = right.clone();
            if let Some(target) = body.pointer_mut(pointer) {
                *target = value.clone();
                bodies.push(body.to_string().into());
            }
        }
    }
    bodies
}

/// Every place of a document, the inner ones too.
fn leaves(json: &Json, at: String, found: &mut Vec<String>) {
    match json {
        Json::Object(members) => members.iter().for_each(|(name, value)| leaves(value, format!("{at}/{name}"), found)),
        Json::Array(elements) => elements.iter().enumerate().for_each(|(i, value)| leaves(value, format!("{at}/{i}"), found)),
        _ => {}
    }
    if !at.is_empty() {
        found.push(at);
    }
}

/// Something of the right shape.
pub fn sample(schema: &Json) -> Json {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    for choice in ["oneOf", "anyOf"] {
        let chosen = schema[choice].as_array().and_then(|all| all.iter().find(|s| s["type"] != "null"));
        if let Some(chosen) = chosen {
            return sample(chosen);
        }
    }
    if let Some(all) = schema["allOf"].as_array() {
        return all.first().map_or(json!({}), sample);
    }
    let kind = match &schema["type"] {
        Json::Array(kinds) => kinds.iter().find(|k| *k != "null").cloned().unwrap_or_default(),
        kind => kind.clone(),
    };
    match kind.as_str() {
        Some("object") => {
            let members = schema["properties"].as_object().into_iter().flatten();
            members.map(|(name, member)| (name.clone(), sample(member))).collect::<Map<_, _>>().into()
        }
        Some("array") => json!([sample(&schema["items"])]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("string") => match schema["format"].as_str() {
            Some("uuid") => json!(IDS[0]),
            Some("date-time") => json!("2026-01-01T00:00:00Z"),
            _ => json!("text"),
        },
        _ => json!({}),
    }
}
