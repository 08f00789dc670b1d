//! The gateway's own routes: what is asked of the process, its description, and the operator's API.

mod events;
mod operator;
mod root;
mod schemas;
mod traffic;

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use kit::channel::{Directory, WeakDirectory};
use kit::http::{RouteInfo, Routes, Who, openapi};
use kit::{BuildError, Clock, Db, Env, Problem, Role};
use utoipa_axum::routes;

use crate::NAME;
use crate::breaker::Breakers;
use crate::operators::Operators;
use crate::stats::Stats;

const ADMIN: Who = Who::Roles(&[Role::Admin]);

/// What the routes stand on.
#[derive(Clone)]
pub struct App {
    db: Db,
    directory: WeakDirectory,
    operators: Arc<Operators>,
    description: Arc<Description>,
    breakers: Arc<Breakers>,
    stats: Arc<Stats>,
    clock: Clock,
}

/// The OpenAPI document, written when somebody asks for it first.
struct Description {
    development: bool,
    public_url: String,
    text: OnceLock<Bytes>,
}

impl App {
    /// For every declared route.
    pub fn new(env: &Env, breakers: &Arc<Breakers>, stats: &Arc<Stats>) -> Result<App, BuildError> {
        let operators = Arc::new(Operators::new(env)?);
        let (development, public_url) = (env.shared.development, env.shared.public_url.clone());
        let description = Arc::new(Description { development, public_url, text: OnceLock::new() });
        let (db, directory, clock) = (env.db.clone(), env.directory.downgrade(), env.clock.clone());
        Ok(App { db, directory, operators, description, breakers: breakers.clone(), stats: stats.clone(), clock })
    }

    fn directory(&self) -> Result<Directory, Problem> {
        self.directory.upgrade().ok_or_else(|| Problem::unavailable("service_unavailable", "this process is stopping"))
    }

    /// Every route that is there.
    fn routes(&self) -> Result<Vec<RouteInfo>, Problem> {
        let all = self.directory()?.routes().into_iter();
        Ok(all.filter(|r| r.is_there(self.description.development)).collect())
    }

    /// The OpenAPI document.
    fn description(&self) -> Result<Bytes, Problem> {
        let Description { public_url, text, .. } = &*self.description;
        if let Some(text) = text.get() {
            return Ok(text.clone());
        }
        let routes = self.routes()?;
        let document = openapi::document(self.directory()?.openapi(), &routes, public_url).and_then(|d| serde_json::to_vec(&d));
        let document = document.map_err(Problem::internal)?;
        Ok(text.get_or_init(|| document.into()).clone())
    }
}

/// Every route, with who may call it.
pub fn routes() -> Routes<App> {
    Routes::new(NAME)
        .add(Who::Public, routes!(root::front))
        .add(Who::Public, routes!(root::health))
        .add(Who::Public, routes!(root::ready))
        .add(Who::Public, routes!(root::metrics))
        .add(Who::Public, routes!(root::describe))
        .add(Who::Public, routes!(root::docs))
        .add(Who::Public, routes!(root::docs_file))
        .add(Who::Public, routes!(schemas::list_schemas))
        .add(Who::Public, routes!(schemas::get_schema))
        .add(Who::Public, routes!(schemas::get_schema_of_envelope))
        .add(ADMIN, routes!(traffic::list_routes))
        .add(ADMIN, routes!(traffic::list_upstreams))
        .add(ADMIN, routes!(traffic::list_breakers))
        .add(ADMIN, routes!(traffic::get_stats))
        .add(ADMIN, routes!(operator::list_sagas))
        .add(ADMIN, routes!(operator::get_saga))
        .add(ADMIN, routes!(operator::retry_saga))
        .add(ADMIN, routes!(operator::compensate_saga))
        .add(ADMIN, routes!(operator::list_dead_letters))
        .add(ADMIN, routes!(operator::retry_dead_letter))
        .add(ADMIN, routes!(operator::discard_dead_letter))
        .add(ADMIN, routes!(operator::list_dead_jobs))
        .add(ADMIN, routes!(operator::retry_dead_job))
        .add(ADMIN, routes!(operator::discard_dead_job))
        .add(ADMIN, routes!(events::export_events))
        .add(ADMIN, routes!(operator::start_replay))
        .add(ADMIN, routes!(operator::get_replay))
        .add(ADMIN, routes!(operator::cancel_replay))
}
