//! One connection with its prepared statements, and a closure's view of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use postgres::types::ToSql;
use postgres::{Client, Error, Statement};

use super::super::{DbError, Dialect, Gaps, Kind, Row, Session, Value, sql};
use super::errors::{self, Repeat};

/// Prepared statements kept per connection and service; the oldest goes first.
const STATEMENTS_MAX: usize = 256;

/// A connection.
pub(super) struct Link {
    pub(super) client: Client,
    statements: BTreeMap<&'static str, IndexMap<String, Statement>>,
}

impl Link {
    pub(super) fn new(client: Client) -> Link {
        Link { client, statements: BTreeMap::new() }
    }

    /// Forgets all prepared statements: the schema has changed under them, or something between us and the server
    /// has lost them.
    pub(super) fn forget(&mut self) {
        self.statements.clear();
        self.client.clear_type_cache();
    }

    fn prepare(&mut self, service: &'static str, given: &str) -> Result<Statement, Error> {
        let known = self.statements.entry(service).or_default();
        if let Some(statement) = known.get(given) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&sql::render(Dialect::Postgres, service, given))?;
        if known.len() >= STATEMENTS_MAX {
            known.shift_remove_index(0);
        }
        known.insert(given.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// A connection during one run of a closure.
pub(super) struct Open<'a> {
    link: &'a mut Link,
    service: &'static str,
    kind: Kind,
    gaps: Arc<Gaps>,
    pub(super) statements: u64,
    pub(super) wrote: bool,
    /// What the first failure says about another run.
    pub(super) repeat: Repeat,
}

impl<'a> Open<'a> {
    pub(super) fn new(link: &'a mut Link, service: &'static str, kind: Kind, gaps: Arc<Gaps>) -> Open<'a> {
        Open { link, service, kind, gaps, statements: 0, wrote: kind == Kind::Migrate, repeat: Repeat::No }
    }

    fn run<T>(
        &mut self,
        given: &str,
        params: &[Value],
        f: impl FnOnce(&mut Client, &Statement, &[&(dyn ToSql + Sync)]) -> Result<T, Error>,
    ) -> Result<T, DbError> {
        self.statements += 1;
        let prepared = match self.kind {
            // Each runs once, and what it changes would make others stale.
            Kind::Migrate => self.link.client.prepare(&sql::render(Dialect::Postgres, self.service, given)),
            Kind::Read | Kind::Write => self.link.prepare(self.service, given),
        };
        let answer = prepared.and_then(|statement| {
            let wanted = statement.params().len();
            if wanted != params.len() {
                return Ok(Err(DbError::Internal(format!("{wanted} parameters are wanted, {} given: {given}", params.len()))));
            }
            let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p as &(dyn ToSql + Sync)).collect();
            f(&mut self.link.client, &statement, &params).map(Ok)
        });
        answer.unwrap_or_else(|e| {
            self.repeat = errors::repeat(&e);
            Err(match errors::of(&e) {
                DbError::Internal(reason) => DbError::Internal(format!("{reason}: {given}")),
                other => other,
            })
        })
    }
}

impl Session for Open<'_> {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError> {
        let changed = self.run(sql, params, |client, statement, params| client.execute(statement, params))?;
        self.wrote |= changed > 0 && writes(sql);
        Ok(changed)
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        let rows = self.run(sql, params, |client, statement, params| client.query(statement, params))?;
        self.wrote |= !rows.is_empty() && writes(sql);
        rows.iter().map(row).collect()
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn lock_clause(&self) -> &'static str {
        match self.kind {
            Kind::Read => "",
            Kind::Write | Kind::Migrate => " FOR UPDATE",
        }
    }

    fn gaps(&self) -> Option<Arc<Gaps>> {
        Some(self.gaps.clone())
    }
}

fn writes(sql: &str) -> bool {
    !sql.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"))
}

fn row(row: &postgres::Row) -> Result<Row, DbError> {
    let columns = (0..row.len()).map(|i| row.try_get(i).map_err(|e| DbError::Internal(errors::with_causes(&e))));
    columns.collect::<Result<_, _>>().map(Row)
}
