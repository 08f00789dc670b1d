//! The route table: what is declared is there, everything else is not.

use std::collections::BTreeMap;

use kit::http::{Method, RouteInfo};

/// Every route that may be called.
pub struct Table {
    paths: matchit::Router<Vec<RouteInfo>>,
}

/// What a method and a path lead to.
#[derive(Debug)]
pub enum Found<'t> {
    /// A route.
    Route(&'t RouteInfo),
    /// The path is there, with these methods only.
    OtherMethods(Vec<Method>),
    /// Nothing.
    Nothing,
}

impl Table {
    /// Of the declared routes. `/dev` and `/sandbox` exist in development only; two services that declare the same
    /// route are a mistake that is named.
    pub fn new(routes: Vec<RouteInfo>, development: bool) -> Result<Table, String> {
        let mut by_shape: BTreeMap<String, Vec<RouteInfo>> = BTreeMap::new();
        for route in routes.into_iter().filter(|r| r.is_there(development)) {
            let there = by_shape.entry(shape(&route.path)).or_default();
            if let Some(other) = there.iter().find(|r| r.method == route.method) {
                return Err(format!("{} {} is declared by {} and by {}", route.method, route.path, other.service, route.service));
            }
            there.push(route);
        }
        let mut paths = matchit::Router::new();
        for routes in by_shape.into_values() {
            let path = routes[0].path.clone();
            paths.insert(&path, routes).map_err(|e| format!("route {path}: {e}"))?;
        }
        Ok(Table { paths })
    }

    /// The route of `method` and `path`. `HEAD` is answered where `GET` is.
    pub fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Ok(matched) = self.paths.at(path) else { return Found::Nothing };
        let routes = matched.value;
        let asked = |wanted: &Method| routes.iter().find(|r| r.method == *wanted);
        match asked(method).or_else(|| asked(&Method::GET).filter(|_| *method == Method::HEAD)) {
            Some(route) => Found::Route(route),
            None => Found::OtherMethods(routes.iter().map(|r| r.method.clone()).collect()),
        }
    }
}

/// The path with the names of its parameters left out: what makes two routes the same.
fn shape(path: &str) -> String {
    let segments = path.split('/').map(|s| match s.starts_with('{') {
        true if s.starts_with("{*") => "{*}",
        true => "{}",
        false => s,
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use kit::http::Who;

    use super::*;

    fn route(service: &'static str, method: Method, path: &str) -> RouteInfo {
        RouteInfo { service, method, path: path.into(), who: Who::Public, body_limit_bytes: 1, timeout_seconds: 1 }
    }

    fn table(development: bool) -> Table {
        let routes = vec![
            route("catalog", Method::GET, "/api/v1/products/{id}"),
            route("recommendations", Method::GET, "/api/v1/products/trending"),
            route("identity", Method::GET, "/api/v1/users/{id}"),
            route("other", Method::PUT, "/api/v1/users/{userId}"),
            route("sandbox", Method::GET, "/sandbox/pay/{token}"),
            route("notifications", Method::GET, "/api/v1/dev/mailbox/messages"),
            route("gateway", Method::GET, "/docs/{*file}"),
        ];
        Table::new(routes, development).unwrap()
    }

    fn found(table: &Table, method: Method, path: &str) -> String {
        match table.find(&method, path) {
            Found::Route(route) => route.service.to_owned(),
            Found::OtherMethods(methods) => methods.iter().map(Method::as_str).collect::<Vec<_>>().join(" "),
            Found::Nothing => String::new(),
        }
    }

    #[test]
    fn only_declared_routes_are_found() {
        let cases = [
            (Method::GET, "/api/v1/products/7", "catalog"),
            (Method::HEAD, "/api/v1/products/7", "catalog"),
            (Method::GET, "/api/v1/products/trending", "recommendations"),
            (Method::POST, "/api/v1/products/7", "GET"),
            (Method::OPTIONS, "/api/v1/products/7", "GET"),
            (Method::GET, "/api/v1/users/7", "identity"),
            (Method::PUT, "/api/v1/users/7", "other"),
            (Method::DELETE, "/api/v1/users/7", "GET PUT"),
            (Method::HEAD, "/docs/a/b.css", "gateway"),
            (Method::GET, "/api/v1/products", ""),
            (Method::GET, "/api/v1/products/", ""),
            (Method::GET, "/api/v1/products/7/", ""),
            (Method::GET, "/api/v1//products/7", ""),
            (Method::GET, "/API/v1/products/7", ""),
            (Method::GET, "", ""),
        ];
        for (method, path, expected) in cases {
            assert_eq!(found(&table(true), method.clone(), path), expected, "{method} {path}");
        }
    }

    #[test]
    fn what_is_for_development_is_nowhere_else() {
        for path in ["/sandbox/pay/abc", "/api/v1/dev/mailbox/messages"] {
            assert_ne!(found(&table(true), Method::GET, path), "", "{path}");
            assert_eq!(found(&table(false), Method::GET, path), "", "{path}");
        }
    }

    #[test]
    fn one_route_has_one_owner() {
        let routes = vec![route("a", Method::GET, "/x/{id}"), route("b", Method::GET, "/x/{name}")];
        let error = Table::new(routes, true).err().unwrap();
        assert!(error.contains("by a and by b"), "{error}");
    }
}
