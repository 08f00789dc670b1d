//! Older spellings of routes, rewritten before the table is asked. A declared route always wins over an alias.

use kit::http::Method;

/// Method and path as they are still called, and what they are now. Parameters keep their order.
const RENAMED: &[(Method, &str, Method, &str)] = &[
    (Method::POST, "/api/v1/users/register", Method::POST, "/api/v1/auth/register"),
    (Method::POST, "/api/v1/users/login", Method::POST, "/api/v1/auth/login"),
    (Method::POST, "/api/v1/users/otp/send", Method::POST, "/api/v1/auth/otp/send"),
    (Method::POST, "/api/v1/users/otp/verify", Method::POST, "/api/v1/auth/otp/verify"),
    (Method::POST, "/api/v1/orders/{}/cancel", Method::PUT, "/api/v1/orders/{}/cancel"),
    (Method::POST, "/api/v1/payments/create-order", Method::POST, "/api/v1/payments/initiate"),
    (Method::POST, "/api/v1/payments/verify", Method::POST, "/api/v1/payments/confirm"),
    (Method::POST, "/api/v1/vendors/register", Method::POST, "/api/v1/vendors/apply"),
    (Method::GET, "/api/v1/search/products", Method::GET, "/api/v1/search"),
    (Method::GET, "/api/v1/products/search", Method::GET, "/api/v1/search"),
];

/// `/api/...` without a version means the first one, for good.
pub fn versioned(path: &str) -> Option<String> {
    let rest = path.strip_prefix("/api/")?;
    let first = rest.split('/').next().unwrap_or("");
    let is_version = first.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    (!is_version).then(|| format!("/api/v1/{rest}"))
}

/// What `method` and `path` are called now, where they are an older spelling.
pub fn renamed(method: &Method, path: &str) -> Option<(Method, String)> {
    RENAMED.iter().find_map(|(from_method, from, to_method, to)| {
        let values = (from_method == method).then(|| parameters(from, path)).flatten()?;
        let path = values.iter().fold((*to).to_owned(), |path, value| path.replacen("{}", value, 1));
        Some((to_method.clone(), path))
    })
}

fn parameters<'p>(pattern: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    let mut values = Vec::new();
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return Some(values),
            (Some("{}"), Some(value)) if !value.is_empty() => values.push(value),
            (Some(a), Some(b)) if a == b => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_without_a_version_means_the_first() {
        let cases = [
            ("/api/products", Some("/api/v1/products")),
            ("/api/vendors/store", Some("/api/v1/vendors/store")),
            ("/api/v", Some("/api/v1/v")),
            ("/api/v1/products", None),
            ("/api/v2/products", None),
            ("/api/v1", None),
            ("/api", None),
            ("/health", None),
        ];
        for (path, expected) in cases {
            assert_eq!(versioned(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn older_spellings_are_rewritten() {
        let (method, path) = renamed(&Method::POST, "/api/v1/orders/7/cancel").unwrap();
        assert_eq!((method, path.as_str()), (Method::PUT, "/api/v1/orders/7/cancel"));
        assert_eq!(renamed(&Method::POST, "/api/v1/users/login").unwrap().1, "/api/v1/auth/login");
        for (method, path) in [(Method::GET, "/api/v1/users/login"), (Method::POST, "/api/v1/orders//cancel"), (Method::POST, "/x")] {
            assert_eq!(renamed(&method, path), None, "{method} {path}");
        }
    }
}
