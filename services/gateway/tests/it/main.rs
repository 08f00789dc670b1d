//! The gateway from the outside: requests into its router, answers out of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod admission;
mod bodies;
mod cors;
mod description;
mod echo;
mod grants;
mod identity;
mod limits;
mod logs;
mod outside;
mod paths;
mod routes;
mod streams;
mod traffic;

use kit::ServiceDef;

/// The gateway with an identity that tests direct and a service that says what it was asked.
const SERVICES: &[ServiceDef] = &[gateway::SERVICE, identity::SERVICE, echo::SERVICE];
