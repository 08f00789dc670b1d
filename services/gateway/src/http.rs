//! The gateway's own routes: what is asked of the process, its description, and the operator's API.

mod operator;
mod root;

use std::sync::Arc;

use axum::body::Bytes;
use kit::channel::WeakDirectory;
use kit::http::{Routes, Who};
use kit::{BuildError, Db, Env, Role};
use utoipa_axum::routes;

use crate::operators::Operators;
use crate::table::Table;
use crate::{NAME, openapi};

const ADMIN: Who = Who::Roles(&[Role::Admin]);

/// What the routes stand on.
#[derive(Clone)]
pub struct App {
    db: Db,
    directory: WeakDirectory,
    operators: Arc<Operators>,
    /// The OpenAPI document, written once.
    description: Bytes,
}

impl App {
    /// For the routes of `table`.
    pub fn new(env: &Env, table: &Table) -> Result<App, BuildError> {
        let merged = openapi::merged(env.directory.openapi(), table, &env.shared.public_url);
        let text = merged.and_then(|m| serde_json::to_vec(&m)).map_err(|e| BuildError::Other(format!("OpenAPI: {e}")))?;
        let operators = Arc::new(Operators::new(env)?);
        Ok(App { db: env.db.clone(), directory: env.directory.downgrade(), operators, description: text.into() })
    }
}

/// Every route, with who may call it.
pub fn routes() -> Routes<App> {
    Routes::new(NAME)
        .add(Who::Public, routes!(root::health))
        .add(Who::Public, routes!(root::ready))
        .add(Who::Public, routes!(root::metrics))
        .add(Who::Public, routes!(root::describe))
        .add(Who::Public, routes!(root::docs))
        .add(Who::Public, routes!(root::docs_file))
        .add(ADMIN, routes!(operator::list_sagas))
        .add(ADMIN, routes!(operator::get_saga))
        .add(ADMIN, routes!(operator::retry_saga))
        .add(ADMIN, routes!(operator::compensate_saga))
        .add(ADMIN, routes!(operator::list_dead_letters))
        .add(ADMIN, routes!(operator::retry_dead_letter))
        .add(ADMIN, routes!(operator::discard_dead_letter))
        .add(ADMIN, routes!(operator::start_replay))
        .add(ADMIN, routes!(operator::get_replay))
}
