//! What a haat service stands on: transactions, events, sagas, jobs, HTTP and gRPC edges, telemetry.
//!
//! A service crate exports `SERVICE` (a [`ServiceDef`]) and `Config`; `kit` does the rest.
//! `kit` knows no service by name and holds no rule of the marketplace.

mod alarm;
pub mod auth;
pub mod channel;
pub mod clock;
pub mod context;
pub mod crash;
pub mod db;
pub mod events;
pub mod http;
pub mod idempotency;
pub mod jobs;
mod network;
pub mod operator;
pub mod outbound;
pub mod panics;
pub mod platform;
pub mod problem;
pub mod rpc;
pub mod saga;
pub mod serve;
pub mod service;
pub mod tasks;
pub mod telemetry;
pub mod trace;
pub mod webhook;

pub use auth::{Caller, Role};
pub use clock::{Clock, Ids};
pub use context::Context;
pub use db::{Db, DbError, Migration, Query, Row, Tx, Value};
pub use events::{Aggregate, Consumer, ConsumerError, Loaded};
pub use http::{NUL_REFUSED, nul_in};
pub use network::Network;
pub use platform::{Choice, Platform, Settings, StartError};
pub use problem::Problem;
pub use service::{BuildError, Env, Service, ServiceDef};
pub use tasks::Tasks;
