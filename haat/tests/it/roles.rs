//! Roles that a marketplace makes itself, against every route there is: a holder gets where the role leads, and nowhere else.

use std::collections::BTreeSet;

use kit::http::grants;
use serde_json::{Value as Json, json};
use testing::Engine;

use crate::market::{Market, text};
use crate::nodes::Layout;
use crate::outside::Visitor;
use crate::rubbish::{Operation, operations};

/// Nobody's.
const NOTHING: &str = "01890000-0000-7000-8000-000000000000";

/// Some of each service, in this process and in another.
const GRANTED: [&str; 5] = [
    "GET /api/v1/users",
    "POST /api/v1/categories",
    "GET /api/v1/orders/exports",
    "GET /api/v1/ledger/trial-balance",
    "GET /api/v1/gateway/stats",
];

/// A market, somebody with a role that opens these routes, and every operation.
struct Scene {
    market: Market,
    holder: Visitor,
    operations: Vec<Operation>,
}

impl Scene {
    async fn set(layout: Layout, opens: Option<&[&str]>) -> Scene {
        let market = Market::open(layout).await;
        let url = format!("{}/openapi.json", market.url());
        let spec = market.outside.send_to(&Visitor::default(), "GET", &url, None, &[]).await.expect(200).body;
        let holder = market.register("holder@journey.test").await;
        let all = market.get(&market.admin, "/roles").await["grantable"].clone();
        let role = json!({"name": "helper", "permissions": opens.map_or(all, |routes| json!(routes))});
        market.send(&market.admin, "POST", "/roles", Some(role)).await.expect(201);
        let scene = Scene { holder, operations: operations(&spec), market };
        scene.give(&["helper"]).await;
        scene
    }

    async fn give(&self, roles: &[&str]) {
        let id = text(&self.market.get(&self.holder, "/users/profile").await["id"]);
        let path = format!("/users/{id}/roles");
        self.market.send(&self.market.admin, "PUT", &path, Some(json!({"roles": roles}))).await.expect(200);
    }

    /// How the holder is answered at the route, without a body.
    async fn status(&self, operation: &Operation) -> u16 {
        let path = operation.path.split('/').map(|part| if part.starts_with('{') { NOTHING } else { part });
        let url = format!("{}{}", self.market.url(), path.collect::<Vec<_>>().join("/"));
        self.market.outside.send_bytes(&self.holder, &operation.method.to_uppercase(), &url, None).await.unwrap().status
    }

    /// Where the holder gets in, of all routes that are closed by role.
    async fn open(&self) -> BTreeSet<String> {
        let mut open = BTreeSet::new();
        for operation in self.operations.iter().filter(|o| o.who.is_array()) {
            if self.status(operation).await != 403 {
                open.insert(name(operation));
            }
        }
        open
    }

    /// Waits until the holder is answered like this at one of the granted routes.
    async fn comes_to(&self, expected: u16) {
        testing::eventually(&format!("{} is answered {expected}", GRANTED[0]), || async {
            self.market.send(&self.holder, "GET", "/users", None).await.status == expected
        })
        .await;
    }
}

fn name(operation: &Operation) -> String {
    format!("{} {}", operation.method.to_uppercase(), operation.path)
}

/// Those who name them among the roles to which an operation is open.
fn is_open_to(operation: &Operation, roles: &[&str]) -> bool {
    let named: Vec<&str> = operation.who.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    roles.iter().any(|role| named.contains(role))
}

async fn a_holder_gets_where_the_role_leads(layout: Layout) {
    let scene = Scene::set(layout, Some(&GRANTED)).await;
    scene.comes_to(200).await;
    assert!(scene.operations.iter().filter(|o| o.who.is_array()).count() > 60);
    let granted: BTreeSet<String> = GRANTED.map(str::to_owned).into();
    assert_eq!(scene.open().await, granted);
    // Where everybody is let in who is signed in, the holder acts on what is theirs as everybody does.
    let other = text(&scene.market.get(&scene.market.sellers[0], "/users/profile").await["id"]);
    for path in [format!("/users/{other}"), format!("/users/{other}/photo"), format!("/orders/user/{other}")] {
        scene.market.send(&scene.holder, "GET", &path, None).await.expect(404);
    }
    scene.market.send(&scene.holder, "PUT", &format!("/users/{other}"), Some(json!({"firstName": "Mine"}))).await.expect(404);
    // What is done by way of the role is done by its holder: the category is there, and nobody else's name is on it.
    let made = scene.market.send(&scene.holder, "POST", "/categories", Some(json!({"name": "Made by a helper"}))).await.expect(201);
    assert!(made.body["id"].is_string());

    let fewer = json!({"permissions": ["GET /api/v1/ledger/trial-balance"]});
    scene.market.send(&scene.market.admin, "PUT", "/roles/helper", Some(fewer)).await.expect(200);
    scene.comes_to(403).await;
    assert_eq!(scene.open().await, BTreeSet::from(["GET /api/v1/ledger/trial-balance".to_owned()]));
    let again = json!({"permissions": GRANTED});
    scene.market.send(&scene.market.admin, "PUT", "/roles/helper", Some(again)).await.expect(200);
    scene.comes_to(200).await;
    assert_eq!(scene.market.send(&scene.market.admin, "DELETE", "/roles/helper", None).await.expect(409).code(), "role_in_use");
    scene.give(&[]).await;
    scene.comes_to(403).await;
    assert_eq!(scene.open().await, BTreeSet::new());
    scene.market.send(&scene.market.admin, "DELETE", "/roles/helper", None).await.expect(204);
    scene.market.close().await;
}

#[test]
fn a_holder_gets_where_the_role_leads_in_one_process() {
    testing::run(a_holder_gets_where_the_role_leads(Layout::Together(Engine::Sqlite)));
}

#[test]
fn a_holder_gets_where_the_role_leads_on_postgres() {
    testing::run(a_holder_gets_where_the_role_leads(Layout::Together(Engine::Postgres)));
}

#[test]
fn a_holder_gets_where_the_role_leads_with_services_apart() {
    testing::run(a_holder_gets_where_the_role_leads(Layout::Apart));
}

/// With every route that can be granted: closed are those that make administrators, and those that are not open to
/// administrators or support at all. What is open is written down; a new route is added to it, or to those that never are.
#[test]
fn a_role_that_opens_all_it_may_makes_no_administrator() {
    testing::run(async {
        let scene = Scene::set(Layout::Together(Engine::Sqlite), None).await;
        scene.comes_to(200).await;
        let open = scene.open().await;
        let staff: Vec<String> = scene.operations.iter().filter(|o| is_open_to(o, &["admin", "support"])).map(name).collect();
        let never: BTreeSet<&str> = grants::never().collect();
        let (closed, expected): (Vec<&String>, BTreeSet<String>) = (
            staff.iter().filter(|n| never.contains(n.as_str())).collect(),
            staff.iter().filter(|n| !never.contains(n.as_str())).cloned().collect(),
        );
        assert_eq!(closed.len(), never.len(), "a route that is never opened is not there: {closed:?} of {never:?}");
        assert_eq!(open, expected);
        insta::assert_snapshot!("grantable", open.into_iter().collect::<Vec<_>>().join("\n"));
        // Not even by an older spelling, another version, or a method that stands for another.
        let me = text(&scene.market.get(&scene.holder, "/users/profile").await["id"]);
        let base = scene.market.url();
        for path in [format!("/api/v1/users/{me}/roles"), format!("/api/users/{me}/roles")] {
            let body = Some(json!({"roles": ["admin"]}));
            let answer = scene.market.outside.send_to(&scene.holder, "PUT", &format!("{base}{path}"), body, &[]).await;
            assert_eq!(answer.status, 403, "{path}");
        }
        let headers = [("x-http-method-override", "GET"), ("x-haat-role", "admin"), ("x-user-roles", "admin")];
        scene
            .market
            .outside
            .send(&scene.holder, "POST", "/roles", Some(json!({"name": "mine", "permissions": []})), &headers)
            .await
            .expect(403);
        assert_eq!(scene.market.get(&scene.holder, "/users/profile").await["roles"], json!(["customer", "helper"]));
    });
}
