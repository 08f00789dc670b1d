//! What roles of the marketplace's own making open to their holders.
//!
//! A holder is lifted for one request at a time: the service behind the route sees an administrator, or support, and
//! behind every other route an ordinary customer. Tokens know nothing of it.

use std::collections::BTreeSet;

use kit::auth::User;
use kit::http::{RouteInfo, grants};
use kit::{Caller, Role};

/// What a session is granted beyond its roles, as identity said it last.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Grants {
    roles: BTreeSet<String>,
    routes: BTreeSet<String>,
}

impl Grants {
    /// Of roles by name, and of routes such as `GET /api/v1/users`.
    pub fn new(roles: Vec<String>, routes: Vec<String>) -> Grants {
        Grants { roles: roles.into_iter().collect(), routes: routes.into_iter().collect() }
    }

    /// Whether one of the roles is this one.
    pub fn has(&self, role: &str) -> bool {
        self.roles.contains(role)
    }

    /// As what the holder is let in, where the route is granted. What may never be is not, whoever says so.
    pub fn lift(&self, route: &RouteInfo) -> Option<Role> {
        if self.routes.is_empty() {
            return None;
        }
        grants::let_in_as(route).ok().filter(|_| self.routes.contains(&route.name()))
    }

    /// Gives the caller, for this request, the role in which the route lets them in. True where they did not have it.
    pub fn lift_caller(&self, route: &RouteInfo, caller: &mut Caller) -> bool {
        let Some(User { roles, .. }) = &mut caller.user else { return false };
        let Some(role) = self.lift(route).filter(|role| !roles.contains(role)) else { return false };
        roles.push(role);
        true
    }
}

#[cfg(test)]
mod tests {
    use kit::http::{Method, Who};

    use super::*;

    fn route(name: &str, who: Who) -> RouteInfo {
        let (method, path) = name.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        RouteInfo { service: "x", method, path: path.into(), who, body_limit_bytes: 1, timeout_seconds: 1 }
    }

    #[test]
    fn a_grant_lifts_at_its_route_only() {
        const GRANTED: [&str; 5] =
            ["GET /a", "PUT /a/{id}", "PUT /api/v1/users/{id}/roles", "POST /api/v1/roles", "POST /api/v1/users/{id}/deactivate"];
        let grants = Grants::new(vec!["editor".into()], GRANTED.map(str::to_owned).to_vec());
        let (admin, support) = (Who::Roles(&[Role::Admin]), Who::Roles(&[Role::Support]));
        let cases = [
            ("GET /a", admin, Some(Role::Admin)),
            ("GET /a", support, Some(Role::Support)),
            ("GET /a", Who::Roles(&[Role::Support, Role::Admin]), Some(Role::Admin)),
            ("GET /a", Who::Roles(&[Role::Vendor]), None),
            ("GET /a", Who::User, None),
            ("GET /a", Who::Guest, None),
            ("GET /a", Who::Public, None),
            ("POST /a", admin, None),
            ("GET /a/{id}", admin, None),
            ("PUT /a/{id}", Who::Roles(&[Role::Vendor, Role::Admin]), Some(Role::Admin)),
            ("PUT /a/{name}", admin, None),
            ("PUT /a/b", admin, None),
            ("PUT /api/v1/users/{id}/roles", admin, None),
            ("POST /api/v1/roles", admin, None),
            ("POST /api/v1/users/{id}/deactivate", admin, None),
        ];
        for (name, who, expected) in cases {
            assert_eq!(grants.lift(&route(name, who)), expected, "{name} {who:?}");
            assert_eq!(Grants::default().lift(&route(name, who)), None, "{name} {who:?}");
        }
    }

    #[test]
    fn a_caller_gets_one_role_more_and_loses_none() {
        let grants = Grants::new(vec!["editor".into()], vec!["GET /a".into()]);
        let open = route("GET /a", Who::Roles(&[Role::Vendor, Role::Admin]));
        let cases = [
            (vec![Role::Customer], vec![Role::Customer, Role::Admin], true),
            (vec![Role::Customer, Role::Vendor], vec![Role::Customer, Role::Vendor, Role::Admin], true),
            (vec![Role::Customer, Role::Admin], vec![Role::Customer, Role::Admin], false),
        ];
        for (before, after, lifted) in cases {
            let mut caller = testing::user_with(&before);
            let was = caller.user.clone().unwrap();
            assert_eq!(grants.lift_caller(&open, &mut caller), lifted, "{before:?}");
            assert_eq!(caller.user, Some(User { roles: after, ..was }), "who it is stays");
        }
        assert!(!grants.lift_caller(&open, &mut Caller::default()), "nobody is nobody");
        assert!(grants.has("editor") && !grants.has("edit"));
    }
}
