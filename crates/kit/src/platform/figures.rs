//! What operators watch of the services' work: gauges that are looked up, not counted.

use std::collections::BTreeMap;

use super::Platform;
use crate::db::{DbError, Query};

/// A gauge: its name and its labels, in the order of their names.
type Gauge = (&'static str, Vec<(&'static str, String)>);

/// Sets the gauges of a platform's unfinished work, again and again.
#[derive(Default)]
pub struct Figures {
    /// What was set last: what is not found any more is none.
    last: BTreeMap<Gauge, f64>,
}

impl Figures {
    /// Looks at every service of `platform` and sets:
    ///
    /// - `haat_sagas{service, type, status}`: sagas that run, wait with a deadline, or are stuck;
    /// - `haat_jobs{service, state}`: jobs that are queued, running, or dead;
    /// - `haat_inbox_events{service, state}`: events that are parked, or dead letters.
    pub async fn set(&mut self, platform: &Platform) -> Result<(), DbError> {
        let mut found = BTreeMap::new();
        for env in platform.envs.values() {
            found.extend(env.db.read(of_service).await?);
        }
        for gone in self.last.keys().filter(|gauge| !found.contains_key(*gauge)) {
            set(gone, 0.0);
        }
        for (gauge, value) in &found {
            set(gauge, *value);
        }
        self.last = found;
        Ok(())
    }
}

fn set((name, labels): &Gauge, value: f64) {
    metrics::gauge!(*name, labels).set(value);
}

fn of_service(q: &mut Query) -> Result<BTreeMap<Gauge, f64>, DbError> {
    const LOOKS: [(&str, &[&str], &str); 4] = [
        (
            "haat_sagas",
            &["status", "type"],
            "SELECT COUNT(*), status, type FROM own.sagas WHERE due_at IS NOT NULL GROUP BY status, type ORDER BY status, type",
        ),
        (
            "haat_sagas",
            &["status", "type"],
            "SELECT COUNT(*), status, type FROM own.sagas WHERE status = 'stuck' GROUP BY status, type ORDER BY status, type",
        ),
        ("haat_jobs", &["state"], "SELECT COUNT(*), state FROM own.jobs GROUP BY state ORDER BY state"),
        ("haat_inbox_events", &["state"], "SELECT COUNT(*), state FROM own.inbox GROUP BY state ORDER BY state"),
    ];
    let service = q.service();
    let mut found = BTreeMap::new();
    for (name, columns, sql) in LOOKS {
        for row in q.rows(sql, &[])? {
            let mut labels = vec![("service", service.to_owned())];
            for (column, label) in columns.iter().enumerate() {
                labels.push((*label, row.get(column + 1)?));
            }
            let count: i64 = row.get(0)?;
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            found.insert((name, labels), count as f64);
        }
    }
    Ok(found)
}
