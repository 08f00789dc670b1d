//! Listeners: the public one, behind which stands the gateway, and the internal one, where services of other
//! processes call. What is common to both: connections with limits, work that is carried out whoever hangs up.

mod connection;
mod internal;
mod work;

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

pub use connection::Limits;
pub use internal::{CONTEXT_TOKEN, Guard, internal};
pub use work::carry_out;

use crate::Tasks;

/// The address at the other end of a connection; an extension of every request that came over a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Serves `router` to the outside until a graceful stop; then open requests end first.
pub async fn public(listener: TcpListener, router: Router, tasks: Tasks) {
    connection::serve(listener, router, tasks, Limits::default()).await;
}
