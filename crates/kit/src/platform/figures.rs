//! What operators watch of the services' work: gauges that are looked up, not counted.

use std::collections::BTreeMap;

use contracts::Time;

use super::Platform;
use crate::db::{DbError, Query};
use crate::params;
use crate::service::Figure;

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
    /// - `haat_jobs{service, state}`: jobs that are queued, running, or dead; `haat_jobs_due{service}`: queued and due;
    /// - `haat_inbox_events{service, state}`: events that are parked, or dead letters;
    /// - what the services themselves want watched.
    pub async fn set(&mut self, platform: &Platform) -> Result<(), DbError> {
        let mut found = BTreeMap::new();
        for (name, env) in &platform.envs {
            let (own, now) = (platform.figures.get(name).copied().unwrap_or_default(), env.clock.now());
            found.extend(env.db.read(move |q| of_service(q, own, now)).await?);
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

    /// What a gauge was set to last.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let is_it =
            |(known, of): &&Gauge| *known == name && of.len() == labels.len() && of.iter().zip(labels).all(|(a, b)| (a.0, &*a.1) == *b);
        self.last.iter().find(|(gauge, _)| is_it(gauge)).map(|(_, value)| *value)
    }
}

fn set((name, labels): &Gauge, value: f64) {
    metrics::gauge!(*name, labels).set(value);
}

/// What every service has.
const LOOKS: [Figure; 5] = [
    Figure {
        name: "haat_sagas",
        labels: &["status", "type"],
        sql: "SELECT COUNT(*), status, type FROM own.sagas WHERE due_at IS NOT NULL GROUP BY status, type ORDER BY status, type",
    },
    Figure {
        name: "haat_sagas",
        labels: &["status", "type"],
        sql: "SELECT COUNT(*), status, type FROM own.sagas WHERE status = 'stuck' GROUP BY status, type ORDER BY status, type",
    },
    Figure { name: "haat_jobs_due", labels: &[], sql: "SELECT COUNT(*) FROM own.jobs WHERE state = 'queued' AND due_at <= $1" },
    Figure { name: "haat_jobs", labels: &["state"], sql: "SELECT COUNT(*), state FROM own.jobs GROUP BY state ORDER BY state" },
    Figure { name: "haat_inbox_events", labels: &["state"], sql: "SELECT COUNT(*), state FROM own.inbox GROUP BY state ORDER BY state" },
];

fn of_service(q: &mut Query, own: &[Figure], now: Time) -> Result<BTreeMap<Gauge, f64>, DbError> {
    let service = vec![("service", q.service().to_owned())];
    let mut found = BTreeMap::new();
    for figure in LOOKS.iter().chain(own) {
        let params = if figure.sql.contains("$1") { params![now].to_vec() } else { Vec::new() };
        for row in q.rows(figure.sql, &params)? {
            let mut labels = service.clone();
            for (column, label) in figure.labels.iter().enumerate() {
                labels.push((*label, row.get(column + 1)?));
            }
            found.insert((figure.name, labels), gauge(row.get(0)?));
        }
    }
    Ok(found)
}

#[expect(clippy::cast_precision_loss, reason = "a gauge")]
fn gauge(count: i64) -> f64 {
    count as f64
}
