//! The SQL of what an operator sees.

use contracts::Time;
use uuid::Uuid;

use super::Status;
use super::view::{Filter, StepView};
use crate::db::{DbError, Query, Row, Value, placeholders};
use crate::params;

/// Sagas in a list at most.
const LIMIT_MAX: i64 = 200;

/// A saga's row as far as it is shown.
pub(super) struct Listed {
    pub id: Uuid,
    pub kind: String,
    pub version: i64,
    pub status: Status,
    pub subject: Uuid,
    pub reason: Option<String>,
    pub created_at: Time,
    pub updated_at: Time,
}

/// A step's row.
pub(super) struct ListedStep {
    pub saga: Uuid,
    pub backward: bool,
    pub view: StepView,
}

const COLUMNS: &str = "id, type, definition, status, subject, reason, created_at, updated_at";

/// Sagas, newest first: their ids sort by when they began.
pub(super) fn list(q: &mut Query, filter: &Filter) -> Result<Vec<Listed>, DbError> {
    let mut conditions = vec!["id < $1".to_owned()];
    let mut params = params![filter.before.unwrap_or(Uuid::max()), filter.limit.clamp(1, LIMIT_MAX)].to_vec();
    let mut filter_by = |column: &str, value: Option<Value>| {
        if let Some(value) = value {
            params.push(value);
            conditions.push(format!("{column} = ${}", params.len()));
        }
    };
    filter_by("status", filter.status.map(|s| s.as_str().into()));
    filter_by("type", filter.kind.as_deref().map(Value::from));
    filter_by("subject", filter.subject.map(Value::from));
    let sql = format!("SELECT {COLUMNS} FROM own.sagas WHERE {} ORDER BY id DESC LIMIT $2", conditions.join(" AND "));
    q.rows(&sql, &params)?.iter().map(listed).collect()
}

/// One saga.
pub(super) fn one(q: &mut Query, id: Uuid) -> Result<Option<Listed>, DbError> {
    q.row(&format!("SELECT {COLUMNS} FROM own.sagas WHERE id = $1"), params![id])?.as_ref().map(listed).transpose()
}

fn listed(row: &Row) -> Result<Listed, DbError> {
    let status: String = row.get(3)?;
    Ok(Listed {
        id: row.get(0)?,
        kind: row.get(1)?,
        version: row.get(2)?,
        status: Status::parse(&status).ok_or_else(|| DbError::Internal(format!("a saga has the status {status}")))?,
        subject: row.get(4)?,
        reason: row.get(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
    })
}

/// The steps of these sagas, in order; behind each step its undoing.
pub(super) fn steps_of(q: &mut Query, sagas: &[Uuid]) -> Result<Vec<ListedStep>, DbError> {
    if sagas.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT saga_id, direction, name, status, attempts, error, started_at, ended_at FROM own.saga_steps WHERE saga_id IN ({}) ORDER BY saga_id, step, direction DESC",
        placeholders(1, sagas.len())
    );
    let params: Vec<_> = sagas.iter().map(|id| Value::from(*id)).collect();
    q.rows(&sql, &params)?.iter().map(step).collect()
}

fn step(row: &Row) -> Result<ListedStep, DbError> {
    let view = StepView {
        name: row.get(2)?,
        status: row.get(3)?,
        attempts: row.get(4)?,
        error: row.get(5)?,
        started_at: row.get(6)?,
        ended_at: row.get(7)?,
    };
    Ok(ListedStep { saga: row.get(0)?, backward: row.get::<String>(1)? == "backward", view })
}
