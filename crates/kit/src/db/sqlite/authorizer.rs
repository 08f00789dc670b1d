//! Which statements a closure may prepare: its own service's tables, and nothing that reaches beyond the closure.
//!
//! SQLite asks once, when a statement is prepared; statements are therefore cached per service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::super::Kind;

/// Who prepares statements on a connection.
#[derive(Clone, Default)]
pub(super) struct Scope(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// `None`: the engine itself, which may do everything.
    closure: Option<(&'static str, Kind)>,
    refused: Option<String>,
}

impl Scope {
    /// Asks the scope before each statement of `conn` is prepared.
    pub(super) fn install(&self, conn: &mut Connection) -> rusqlite::Result<()> {
        let scope = self.clone();
        conn.authorizer(Some(move |asked: AuthContext<'_>| scope.decide(&asked)))
    }

    /// From now on a closure of `service` prepares.
    pub(super) fn enter(&self, service: &'static str, kind: Kind) {
        *self.lock() = State { closure: Some((service, kind)), refused: None };
    }

    /// From now on the engine itself prepares.
    pub(super) fn leave(&self) {
        self.lock().closure = None;
    }

    /// What was refused last.
    pub(super) fn refused(&self) -> Option<String> {
        self.lock().refused.take()
    }

    fn decide(&self, asked: &AuthContext<'_>) -> Authorization {
        let mut state = self.lock();
        let Some((service, kind)) = state.closure else { return Authorization::Allow };
        match refusal(service, kind, &asked.action) {
            None => Authorization::Allow,
            Some(what) => {
                state.refused = Some(format!("{service} may not {what}"));
                Authorization::Deny
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(service: &str, kind: Kind, action: &AuthAction<'_>) -> Option<String> {
    use AuthAction as A;
    match action {
        A::Select | A::Recursive => None,
        A::Read { table_name: table, .. } => (!may_read(service, kind, table)).then(|| format!("read {table}")),
        A::Insert { table_name: table } | A::Update { table_name: table, .. } | A::Delete { table_name: table } => {
            let refused = kind == Kind::Read || !may_read(service, kind, table);
            refused.then(|| format!("write {table}"))
        }
        A::Function { function_name } => drawing(function_name).then(|| format!("call {function_name}: a closure draws nothing")),
        A::CreateTable { table_name: table }
        | A::DropTable { table_name: table }
        | A::AlterTable { table_name: table, .. }
        | A::CreateIndex { table_name: table, .. }
        | A::DropIndex { table_name: table, .. } => {
            let refused = kind != Kind::Migrate || !may_read(service, kind, table);
            refused.then(|| format!("change the schema of {table}"))
        }
        A::Reindex { .. } if kind == Kind::Migrate => None,
        other => Some(format!("do {other:?}")),
    }
}

/// Tables are named `<service>_<table>`, and services have no underscore in their names.
fn owns(service: &str, table: &str) -> bool {
    table.split_once('_').is_some_and(|(owner, _)| owner == service)
}

fn may_read(service: &str, kind: Kind, table: &str) -> bool {
    owns(service, table) || kind == Kind::Migrate && table.starts_with("sqlite_")
}

fn drawing(function: &str) -> bool {
    ["random", "randomblob", "current_time", "current_date", "current_timestamp", "load_extension"]
        .iter()
        .any(|f| function.eq_ignore_ascii_case(f))
}
