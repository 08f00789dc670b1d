//! Sagas as an operator sees them.

use contracts::Time;
use uuid::Uuid;

use super::engine::{Inner, Sagas};
use super::listing::{self, Listed, ListedStep};
use super::store::{self, Which};
use super::{Aborted, Status};
use crate::db::{DbError, Query};

/// A saga with all its steps.
#[derive(Clone, Debug, PartialEq)]
pub struct SagaView {
    /// Its id.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// Where it stands.
    pub status: Status,
    /// What it is about.
    pub subject: Uuid,
    /// In the order of the definition.
    pub steps: Vec<StepView>,
    /// Why it unwinds or is stuck.
    pub reason: Option<String>,
    /// When it began.
    pub created_at: Time,
    /// When it last moved.
    pub updated_at: Time,
}

/// A step of a saga; what was undone shows its undoing.
#[derive(Clone, Debug, PartialEq)]
pub struct StepView {
    /// Its name.
    pub name: String,
    /// `pending`, `running`, `done`, `failed`, `unknown`, `compensating`, `compensated` or `skipped`.
    pub status: String,
    /// Tries that have begun.
    pub attempts: i64,
    /// What came of the last one, where it did not go well.
    pub error: Option<String>,
    /// When the first try began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
}

/// Which sagas an operator wants to see; newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Only these.
    pub status: Option<Status>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only about this.
    pub subject: Option<Uuid>,
    /// Older than this saga.
    pub before: Option<Uuid>,
    /// At most so many; 1 to 200.
    pub limit: i64,
}

/// What came of the wish to take up a stuck saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It goes on.
    Moving,
    /// It is not stuck.
    NotStuck(Status),
    /// There is none.
    Missing,
}

impl Sagas {
    /// Sagas, newest first.
    pub async fn list(&self, filter: Filter) -> Result<Vec<SagaView>, DbError> {
        let inner = self.inner.clone();
        self.inner.db.read(move |q| listing::list(q, &filter).and_then(|sagas| inner.views(q, sagas))).await
    }

    /// One saga.
    pub async fn get(&self, id: Uuid) -> Result<Option<SagaView>, DbError> {
        let inner = self.inner.clone();
        let found = self.inner.db.read(move |q| listing::one(q, id).and_then(|saga| inner.views(q, saga.into_iter().collect())));
        Ok(found.await?.pop())
    }

    /// Takes up a stuck saga where it stopped.
    pub async fn retry(&self, id: Uuid) -> Result<Retried, DbError> {
        let sagas = self.clone();
        let retried = self.inner.db.write(move |tx| {
            let Some(stored) = store::load(tx, &Which::Id(id))? else { return Ok(Retried::Missing) };
            if stored.status != Status::Stuck {
                return Ok(Retried::NotStuck(stored.status));
            }
            let mut saga = sagas.inner.instance(tx, stored)?;
            saga.take_up(tx)?;
            sagas.save(tx, saga)?;
            Ok(Retried::Moving)
        });
        retried.await
    }

    /// Turns a saga back, unless it has passed its pivot.
    pub async fn compensate(&self, id: Uuid, reason: &str) -> Result<Aborted, DbError> {
        let (sagas, reason) = (self.clone(), reason.to_owned());
        let turned = self.inner.db.write(move |tx| {
            let stored = store::load(tx, &Which::Id(id))?;
            sagas.turn_back(tx, stored, &reason)
        });
        turned.await
    }
}

impl Inner {
    fn views(&self, q: &mut Query, sagas: Vec<Listed>) -> Result<Vec<SagaView>, DbError> {
        let ids: Vec<_> = sagas.iter().map(|s| s.id).collect();
        let rows = listing::steps_of(q, &ids)?;
        Ok(sagas.into_iter().map(|saga| self.view(saga, &rows)).collect())
    }

    fn view(&self, saga: Listed, rows: &[ListedStep]) -> SagaView {
        let rows: Vec<_> = rows.iter().filter(|row| row.saga == saga.id).collect();
        let mut steps: Vec<StepView> = Vec::new();
        for row in &rows {
            // Behind a step's own row comes the one of its undoing.
            match steps.last_mut().filter(|last| last.name == row.view.name) {
                Some(last) => *last = row.view.clone(),
                None => steps.push(row.view.clone()),
            }
        }
        if let Some(definition) = self.definition(&saga.kind, saga.version) {
            steps.extend(definition.steps.iter().skip(steps.len()).map(|step| StepView::pending(step.name)));
        }
        SagaView {
            id: saga.id,
            reason: reason(&saga, &rows),
            kind: saga.kind,
            status: saga.status,
            subject: saga.subject,
            steps,
            created_at: saga.created_at,
            updated_at: saga.updated_at,
        }
    }
}

impl StepView {
    fn pending(name: &str) -> StepView {
        StepView { name: name.to_owned(), status: "pending".into(), attempts: 0, error: None, started_at: None, ended_at: None }
    }
}

/// A saga that is stuck on its way back keeps the code it unwinds for; what stopped it is of interest too.
fn reason(saga: &Listed, rows: &[&ListedStep]) -> Option<String> {
    let code = saga.reason.clone()?;
    let failed = rows.iter().find(|row| row.backward && row.view.status == "failed").filter(|_| saga.status == Status::Stuck);
    Some(match failed {
        Some(row) => format!("{code}; {} cannot be undone: {}", row.view.name, row.view.error.as_deref().unwrap_or("")),
        None => code,
    })
}
