//! Routes with what the gateway must know of them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::{OpenApi, OpenApiBuilder};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::Role;

/// HTTP methods as they are written in route tables.
pub type Method = axum::http::Method;

/// Who may call a route. There is no default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anybody; a caller's identity is known where there is one.
    Public,
    /// A user, or a guest by cart token; the service says which of them may.
    Guest,
    /// Anybody signed in.
    User,
    /// A user with one of these roles.
    Roles(&'static [Role]),
}

/// One route, as data.
#[derive(Clone, Debug)]
pub struct RouteInfo {
    /// The service that answers it.
    pub service: &'static str,
    /// The method.
    pub method: Method,
    /// The path with `{parameters}`, from the root.
    pub path: String,
    /// Who may call it.
    pub who: Who,
    /// The largest body, in bytes.
    pub body_limit_bytes: usize,
    /// How long the answer may take, in seconds.
    pub timeout_seconds: u64,
}

impl RouteInfo {
    /// Method and path, such as `GET /api/v1/orders/{id}`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether the route is there: what lies below `/dev` and `/sandbox` is for development only.
    pub fn is_there(&self, development: bool) -> bool {
        let path = self.path.strip_prefix("/api/v1").unwrap_or(&self.path);
        development || !["dev", "sandbox"].contains(&path.split('/').nth(1).unwrap_or(""))
    }
}

/// A service's routes: axum handlers, their OpenAPI description, and who may call them.
///
/// Paths in `#[utoipa::path]` are written from the root, such as `/api/v1/orders/{id}`.
pub struct Routes<A> {
    service: &'static str,
    router: OpenApiRouter<A>,
    infos: Vec<RouteInfo>,
}

impl<A: Clone + Send + Sync + 'static> Routes<A> {
    /// No routes yet.
    pub fn new(service: &'static str) -> Routes<A> {
        let openapi = OpenApiBuilder::new().build();
        Routes { service, router: OpenApiRouter::with_openapi(openapi), infos: Vec::new() }
    }

    /// Adds what `utoipa_axum::routes!` gives for one or more handlers of one path.
    pub fn add(self, who: Who, routes: UtoipaMethodRouter<A>) -> Routes<A> {
        self.add_limited(who, 64 * 1024, 30, routes)
    }

    /// As [`Routes::add`] with a body limit in bytes and a timeout in seconds of its own.
    pub fn add_limited(mut self, who: Who, body_limit_bytes: usize, timeout_seconds: u64, routes: UtoipaMethodRouter<A>) -> Routes<A> {
        let service = self.service;
        for (path, item) in &routes.1.paths {
            for method in methods(item) {
                self.infos.push(RouteInfo { service, method, path: path.clone(), who, body_limit_bytes, timeout_seconds });
            }
        }
        let (schemas, paths, handlers) = routes;
        self.router = self.router.routes((schemas, paths, handlers.layer(DefaultBodyLimit::max(body_limit_bytes))));
        self
    }

    /// The routes as data, with their OpenAPI description; needs no app.
    pub fn describe(self) -> (Vec<RouteInfo>, OpenApi) {
        let (_, openapi) = self.router.split_for_parts();
        (self.infos, openapi)
    }

    /// The router, over the service's app.
    pub fn build(self, app: A) -> Router {
        let (router, _) = self.router.split_for_parts();
        router.with_state(app)
    }
}

fn methods(item: &PathItem) -> Vec<Method> {
    [
        (Method::GET, item.get.is_some()),
        (Method::POST, item.post.is_some()),
        (Method::PUT, item.put.is_some()),
        (Method::PATCH, item.patch.is_some()),
        (Method::DELETE, item.delete.is_some()),
    ]
    .into_iter()
    .filter_map(|(method, there)| there.then_some(method))
    .collect()
}
