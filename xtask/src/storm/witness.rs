//! Knows what was acknowledged, asks whether it is still so.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::client::Client;
use super::goods::Goods;
use super::invariants::{self, Shown, Stock};
use super::record::{Acknowledged, Log, Record};

/// Time for every saga, refund and late webhook to end.
const QUIET_SECONDS_MAX: u64 = 60;
const LOOK_MS: u64 = 100;
/// Complaints shown; more of the same help nobody.
const COMPLAINTS_MAX: usize = 50;

/// Outside of the server, with a record of its own.
pub struct Witness(Mutex<Notes>);

struct Notes {
    log: Log,
    record: Record,
    /// Orders acknowledged since the last look after a crash.
    fresh: Vec<String>,
    complaints: Vec<String>,
    answers: BTreeMap<String, u64>,
}

impl Witness {
    /// Keeps its record in a new file.
    pub fn new(record: &Path) -> Result<Witness> {
        let notes = Notes {
            log: Log::create(record)?,
            record: Record::default(),
            fresh: Vec::new(),
            complaints: Vec::new(),
            answers: BTreeMap::new(),
        };
        Ok(Witness(Mutex::new(notes)))
    }

    /// Writes down what the server has acknowledged.
    pub fn note(&self, line: Acknowledged) -> Result<()> {
        let mut notes = self.notes();
        notes.log.append(&line)?;
        if let Acknowledged::Ordered { order, .. } = &line {
            notes.fresh.push(order.id.clone());
        }
        notes.record.fold(line);
        Ok(())
    }

    /// Something is wrong.
    pub fn complain(&self, text: String) {
        let mut notes = self.notes();
        if notes.complaints.len() < COMPLAINTS_MAX {
            notes.complaints.push(text);
        }
    }

    /// Counts an answer.
    pub fn count(&self, status: u16, code: &str) {
        *self.notes().answers.entry(format!("{status} {code}").trim_end().to_owned()).or_default() += 1;
    }

    /// Everything that was wrong so far.
    pub fn complaints(&self) -> Vec<String> {
        self.notes().complaints.clone()
    }

    /// Answers by status and code.
    pub fn answers(&self) -> BTreeMap<String, u64> {
        self.notes().answers.clone()
    }

    /// Orders that were acknowledged.
    pub fn orders(&self) -> usize {
        self.notes().record.orders().len()
    }

    /// After a restart: whatever was acknowledged since the last one is there, and the books are even. The server may
    /// die meanwhile; the rest is then looked at the next time.
    pub fn look_after_restart(&self, admin: &Client) {
        let fresh = std::mem::take(&mut self.notes().fresh);
        for (index, order) in fresh.iter().enumerate() {
            match admin.send("GET", &format!("/api/v1/orders/{order}"), None, None) {
                Ok(answer) if answer.is_ok() || answer.status == 503 || answer.status == 429 => {}
                Ok(answer) => self.complain(format!("after a restart order {order} answers {} {}", answer.status, answer.body)),
                Err(_) => return self.notes().fresh.extend_from_slice(&fresh[index..]),
            }
        }
        if let Ok(balance) = admin.send("GET", "/api/v1/ledger/trial-balance", None, None) {
            let off = balance.body["difference"].as_array().into_iter().flatten().find(|d| d["amount"] != 0);
            if let Some(off) = off {
                self.complain(format!("after a restart the trial balance is off: {off}"));
            }
        }
    }

    /// When all is quiet: everything that does not hold.
    pub fn judge(&self, admin: &Client, goods: &Goods, before: &BTreeMap<String, Stock>) -> Result<Vec<String>> {
        let started = Instant::now();
        loop {
            // A look at all orders of a storm takes long: what counts is when it began.
            let quiet_for = started.elapsed();
            let shown = self.ask(admin, goods)?;
            let found = invariants::violations(&self.notes().record, before, &shown);
            if found.is_empty() || quiet_for.as_secs() > QUIET_SECONDS_MAX {
                return Ok(found);
            }
            // Late webhooks, refunds and compensations have their time; what stays is wrong.
            std::thread::sleep(Duration::from_millis(LOOK_MS));
        }
    }

    fn ask(&self, admin: &Client, goods: &Goods) -> Result<Shown> {
        let ids: Vec<String> = self.notes().record.orders().keys().cloned().collect();
        let mut shown = Shown::default();
        for id in ids {
            let answer = admin.insist("GET", &format!("/api/v1/orders/{id}"), None, None)?;
            if answer.is_ok() {
                let mut order = answer.body;
                if let Some(payment) = order["payment"]["id"].as_str().map(str::to_owned) {
                    let payment = admin.get(&format!("/api/v1/payments/{payment}"))?;
                    shown.payments.insert(id.clone(), std::mem::replace(&mut order["payment"], payment));
                }
                shown.orders.insert(id, order);
            }
        }
        for status in ["running", "waiting", "compensating", "stuck"] {
            shown.sagas.extend(admin.list(&format!("/api/v1/sagas?limit=100&status={status}"))?);
        }
        shown.dead_letters = admin.list("/api/v1/dead-letters?limit=100")?;
        shown.charges = admin.get("/sandbox/charges")?["data"].as_array().cloned().unwrap_or_default();
        shown.balance = admin.get("/api/v1/ledger/trial-balance")?;
        shown.stock = goods.stock(admin)?;
        Ok(shown)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
