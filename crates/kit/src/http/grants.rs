//! Which routes a role of the marketplace's own making may open, and as what it lets its holders in there.

use super::{RouteInfo, Who};
use crate::Role;

/// Routes that no such role opens, and why: whoever is let in there can become an administrator, take the place of one,
/// shut them out, or keep what was opened after the role was taken away. A route that is closed to administrators and
/// does not stand here can be granted; a test lists them all, so that each new one is decided upon.
const NEVER: &[(&str, &str)] = &[
    // Roles are what holders are kept to: who writes, gives or only maps them out works on the fence itself.
    ("GET /api/v1/roles", "only administrators see what roles there are"),
    ("POST /api/v1/roles", "whoever makes roles decides what they may do themselves"),
    ("GET /api/v1/roles/{name}", "only administrators see what roles there are"),
    ("PUT /api/v1/roles/{name}", "whoever changes roles decides what they may do themselves"),
    ("DELETE /api/v1/roles/{name}", "whoever deletes roles decides what others may do"),
    ("PUT /api/v1/users/{id}/roles", "whoever gives roles can give themselves the administrator's"),
    // The accounts of administrators are accounts too.
    ("POST /api/v1/users/{id}/activate", "whoever opens accounts can open one that was closed to stop them"),
    ("POST /api/v1/users/{id}/deactivate", "whoever closes accounts can close every administrator's"),
    // The mail with a link to a new password is filled in from a template: one that sends the link elsewhere hands over
    // the account of any administrator who forgot a password, or for whom somebody said so.
    ("PUT /api/v1/notifications/templates/{name}", "whoever writes mails can send the links to new passwords elsewhere"),
    // An address that is told of everything goes on being told when the role is gone; a secret that was seen stays seen.
    ("POST /api/v1/webhooks", "an address that is told of everything outlasts the role"),
    ("PUT /api/v1/webhooks/{id}", "an address that is told of everything outlasts the role"),
    ("POST /api/v1/webhooks/{id}/rotate-secret", "a secret that was seen outlasts the role"),
    // Working on the record itself: what everybody reads, and what a subscriber, the audit trail among them, never hears of.
    ("POST /api/v1/replays", "what everybody reads is built anew by administrators only"),
    ("POST /api/v1/replays/{id}/cancel", "what everybody reads is built anew by administrators only"),
    ("POST /api/v1/dead-letters/{id}/discard", "whoever discards events decides what others never hear of"),
    ("POST /api/v1/dead-jobs/{id}/discard", "whoever gives up work decides what is never done"),
    ("GET /api/v1/events/exports", "the events as they were written tell more than any other route does"),
];

/// As what somebody with a role that opens this route is let in, or why no such role opens it. `admin` where the route
/// names administrators, else `support`; in the eyes of the service behind there is no third.
pub fn let_in_as(route: &RouteInfo) -> Result<Role, &'static str> {
    let Who::Roles(roles) = route.who else { return Err("it is not closed by role") };
    let name = route.name();
    if let Some((_, why)) = NEVER.iter().find(|(never, _)| *never == name) {
        return Err(why);
    }
    let role = [Role::Admin, Role::Support].into_iter().find(|role| roles.contains(role));
    role.ok_or("it is not open to administrators or support")
}

/// The routes that are never opened, as they are written here.
pub fn never() -> impl Iterator<Item = &'static str> {
    NEVER.iter().map(|(route, _)| *route)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

    fn route(method: Method, path: &str, who: Who) -> RouteInfo {
        RouteInfo { service: "x", method, path: path.into(), who, body_limit_bytes: 1, timeout_seconds: 1 }
    }

    #[test]
    fn a_holder_is_let_in_as_what_the_route_names() {
        let cases = [
            (Who::Public, None),
            (Who::Guest, None),
            (Who::User, None),
            (Who::Roles(&[]), None),
            (Who::Roles(&[Role::Vendor]), None),
            (Who::Roles(&[Role::Service]), None),
            (Who::Roles(&[Role::Customer, Role::Reseller, Role::Influencer, Role::Instructor]), None),
            (Who::Roles(&[Role::Admin]), Some(Role::Admin)),
            (Who::Roles(&[Role::Support]), Some(Role::Support)),
            (Who::Roles(&[Role::Support, Role::Admin]), Some(Role::Admin)),
            (Who::Roles(&[Role::Vendor, Role::Admin]), Some(Role::Admin)),
            (Who::Roles(&[Role::Vendor, Role::Support]), Some(Role::Support)),
            (Who::Roles(&[Role::Admin, Role::Service]), Some(Role::Admin)),
        ];
        for (who, expected) in cases {
            assert_eq!(let_in_as(&route(Method::GET, "/api/v1/things", who)).ok(), expected, "{who:?}");
        }
    }

    #[test]
    fn what_makes_an_administrator_is_opened_to_nobody() {
        for name in never() {
            let (method, path) = name.split_once(' ').unwrap();
            let method: Method = method.parse().unwrap();
            for roles in [&[Role::Admin][..], &[Role::Support, Role::Admin], &[Role::Vendor, Role::Admin]] {
                assert!(let_in_as(&route(method.clone(), path, Who::Roles(roles))).is_err(), "{name}");
            }
        }
    }
}
