//! What is printed for others to read: the description of every route, and the collection for Postman.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use crate::binary::{Server, folder, haat};
use crate::outside::{Answer, Outside, Visitor};
use crate::rubbish::operations;

fn printed(arguments: &[&str]) -> Json {
    let output = haat(folder().path(), &[&["openapi"], arguments].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_description_holds_together() {
    let document = printed(&[]);
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let places: Vec<&str> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        for (method, operation) in item.as_object().unwrap() {
            let mut complain = |what: &str| wrong.push(format!("{method} {path}: {what}"));
            if !names.insert(operation["operationId"].as_str().unwrap()) {
                complain("its operationId is another's, too");
            }
            let parameters = operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "path");
            let declared: Vec<&str> = parameters.map(|p| p["name"].as_str().unwrap()).collect();
            if declared != places {
                complain(&format!("the path has {places:?}, its parameters are {declared:?}"));
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                if !response["$ref"].is_string() && response["description"].as_str().is_none_or(str::is_empty) {
                    complain(&format!("{status} is not described"));
                }
            }
        }
    }
    references(&document, &mut |reference| {
        if document.pointer(reference.trim_start_matches('#')).is_none() {
            wrong.push(format!("{reference} leads nowhere"));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(names.len() > 150, "only {} operations are described", names.len());
    let fewer = printed(&["--profile", "production"]);
    assert!(document["paths"]["/sandbox/charges"].is_object() && fewer["paths"]["/sandbox/charges"].is_null());
}

fn references(value: &Json, found: &mut impl FnMut(&str)) {
    match value {
        Json::Object(members) => {
            members.get("$ref").and_then(Json::as_str).into_iter().for_each(&mut *found);
            members.values().for_each(|member| references(member, found));
        }
        Json::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// What version 2.1 of the format asks for, as far as it is used: https://schema.postman.com.
#[test]
fn the_collection_is_of_the_format_and_has_every_route_once() {
    let collection = printed(&["--collection", "--url", "https://shop.example/"]);
    let info = &collection["info"];
    assert_eq!(info["schema"], "https://schema.getpostman.com/json/collection/v2.1.0/collection.json");
    assert!(info["name"].is_string() && info["description"].is_string(), "{info}");
    assert_eq!(collection["auth"]["type"], "bearer");
    assert!(collection["auth"]["bearer"].as_array().unwrap().iter().all(is_variable));
    let event = &collection["event"][0];
    assert!(event["listen"] == "test" && event["script"]["exec"].as_array().unwrap().iter().all(Json::is_string));
    let variables = collection["variable"].as_array().unwrap();
    assert!(variables.iter().all(is_variable));
    let keys: BTreeSet<&str> = variables.iter().map(|variable| variable["key"].as_str().unwrap()).collect();
    assert!(keys.is_superset(&BTreeSet::from(["baseUrl", "token", "cartToken", "orderId", "variantId"])), "{keys:?}");
    assert_eq!(variables[0]["value"], "https://shop.example");

    let mut routes = Vec::new();
    for folder in collection["item"].as_array().unwrap() {
        assert!(folder["name"].is_string() && folder["request"].is_null());
        for item in folder["item"].as_array().unwrap() {
            check_request(item, &keys);
            let request = &item["request"];
            routes.push((request["method"].as_str().unwrap().to_lowercase(), path_of(request)));
        }
    }
    let mut expected: Vec<_> = operations(&printed(&[])).into_iter().map(|o| (o.method, o.path)).collect();
    routes.sort();
    expected.sort();
    assert_eq!(routes, expected);
}

fn is_variable(value: &Json) -> bool {
    value["key"].is_string() && value["value"].is_string()
}

fn check_request(item: &Json, variables: &BTreeSet<&str>) {
    let request = &item["request"];
    assert!(item["name"].as_str().is_some_and(|name| !name.is_empty()) && item["response"] == json!([]), "{item}");
    assert!(request["description"].is_string() && request["header"].as_array().unwrap().iter().all(is_variable), "{item}");
    assert!(request["auth"].is_null() || request["auth"] == json!({"type": "noauth"}), "{item}");
    let url = &request["url"];
    assert!(url["raw"].as_str().unwrap().starts_with("{{baseUrl}}/") && url["host"] == json!(["{{baseUrl}}"]), "{item}");
    assert!(["query", "variable"].iter().all(|list| url[*list].as_array().unwrap().iter().all(is_variable)), "{item}");
    if !request["body"].is_null() {
        let raw = request["body"]["raw"].as_str().unwrap();
        assert!(request["body"]["mode"] == "raw" && (raw.is_empty() || serde_json::from_str::<Json>(raw).is_ok()), "{item}");
    }
    let text = request.to_string();
    let used = text.split("{{").skip(1).map(|rest| rest.split_once("}}").unwrap().0);
    let unknown: Vec<&str> = used.filter(|name| !name.starts_with('$') && !variables.contains(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?} of {item}");
}

/// As the description writes it.
fn path_of(request: &Json) -> String {
    let parts = request["url"]["path"].as_array().unwrap().iter().map(|part| part.as_str().unwrap());
    parts.map(|part| part.strip_prefix(':').map_or_else(|| format!("/{part}"), |name| format!("/{{{name}}}"))).collect()
}

/// Somebody with the collection open, who presses Send.
struct Sender {
    outside: Outside,
    requests: BTreeMap<String, Json>,
    variables: BTreeMap<String, String>,
}

impl Sender {
    fn open(collection: &Json) -> Sender {
        let of = |variable: &Json| (variable["key"].as_str().unwrap().to_owned(), variable["value"].as_str().unwrap().to_owned());
        let variables: BTreeMap<_, _> = collection["variable"].as_array().unwrap().iter().map(of).collect();
        let items = collection["item"].as_array().unwrap().iter().flat_map(|folder| folder["item"].as_array().unwrap());
        let requests = items.map(|item| &item["request"]);
        let requests = requests.map(|request| (format!("{} {}", request["method"].as_str().unwrap(), path_of(request)), request.clone()));
        Sender { outside: Outside::of(&variables["baseUrl"]), requests: requests.collect(), variables }
    }

    fn set(&mut self, name: &str, value: &Json) {
        assert!(self.variables.insert(name.into(), value.as_str().unwrap().into()).is_some(), "there is no variable {name}");
    }

    fn filled(&self, text: &Json) -> String {
        let mut text = text.as_str().unwrap().replace("{{$guid}}", "0b7e6f3c-8d7a-4f57-9a70-1d1f7f6a8f10");
        self.variables.iter().for_each(|(name, value)| text = text.replace(&format!("{{{{{name}}}}}"), value));
        text
    }

    /// Sends a request as it is, with these places, queries and headers filled in or switched on.
    async fn send(&mut self, name: &str, chosen: &[(&str, &str)]) -> Answer {
        let request = self.requests[name].clone();
        let url = &request["url"];
        let pick = |key: &Json| chosen.iter().find(|(name, _)| key == name).map(|(_, value)| (*value).to_owned());
        let pairs = |list: &Json| {
            let entries = list.as_array().unwrap().iter().filter(|entry| entry["disabled"] != true || pick(&entry["key"]).is_some());
            let pairs = entries.map(|e| (self.filled(&e["key"]), pick(&e["key"]).unwrap_or_else(|| self.filled(&e["value"]))));
            pairs.collect::<Vec<_>>()
        };
        let mut address = self.filled(&url["raw"]);
        for (key, value) in pairs(&url["variable"]) {
            address = address.replace(&format!(":{key}"), &value);
        }
        let query: Vec<_> = pairs(&url["query"]).iter().map(|(key, value)| format!("{key}={value}")).collect();
        let body = request["body"]["raw"].is_string().then(|| serde_json::from_str(&self.filled(&request["body"]["raw"])).unwrap());
        let headers: Vec<_> = pairs(&request["header"]).into_iter().filter(|(key, _)| key != "Content-Type").collect();
        let headers: Vec<_> = headers.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let who = Visitor { access: request["auth"].is_null().then(|| self.variables["token"].clone()), cart: None };
        let method = request["method"].as_str().unwrap();
        let answer = self.outside.send_to(&who, method, &format!("{address}?{}", query.join("&")), body, &headers).await;
        // As the collection's script does.
        if answer.body["accessToken"].is_string() {
            self.set("token", &answer.body["accessToken"]);
        }
        answer
    }
}

#[test]
fn requests_of_the_collection_buy_something() {
    let folder = folder();
    let server = Server::start(&mut haat(folder.path(), &["demo", "--days", "0", "--listen", "127.0.0.1:0"]));
    let mut postman = Sender::open(&printed(&["--collection", "--url", &server.url]));
    testing::run(async {
        let described = postman.send("GET /openapi.json", &[]).await.expect(200).body;
        let printed = printed(&["--url", described["servers"][0]["url"].as_str().unwrap()]);
        assert_eq!(described, printed, "a server says of itself what is printed");

        postman.send("POST /api/v1/auth/register", &[]).await.expect(201);
        let products = postman.send("GET /api/v1/products", &[("kind", "physical"), ("inStock", "true")]).await.expect(200).body;
        postman.set("productId", &products["data"][0]["id"]);
        let product = postman.send("GET /api/v1/products/{id}", &[]).await.expect(200).body;
        postman.set("variantId", &product["variants"][0]["id"]);
        postman.send("POST /api/v1/cart/items", &[]).await.expect(201);
        let order = postman.send("POST /api/v1/orders", &[]).await.expect(201).body;
        postman.set("orderId", &order["id"]);
        let token = order["payment"]["action"]["url"].as_str().unwrap().rsplit('/').next().unwrap();
        postman.send("POST /sandbox/pay/{token}/{answer}", &[("token", token), ("answer", "approve")]).await.expect(200);
        let paid = postman.send("GET /api/v1/orders/{id}", &[("Prefer", "wait=10")]).await.expect(200).body;
        assert_eq!(paid["status"], "confirmed");
    });
}
