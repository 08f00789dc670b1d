//! Files of products that stores send: stored as they are, then brought in a few products at a time. Each step and how
//! far it came are one transaction, so that a restart repeats nothing and leaves nothing out.

use contracts::files::{FileProduct, RowError};
use kit::http::PageRequest;
use kit::idempotency::{Answer, Given, Key, once};
use kit::jobs::{self, Job, JobOutcome};
use kit::problem::FieldError;
use kit::{DbError, Tx};
use serde_json::Value as Json;
use uuid::Uuid;

use super::import::{Upserted, check_all, read, upsert_all};
use super::{App, Seller, Store};
use crate::domain::{Format, Imported, Upload, UploadJob};
use crate::error::Error;
use crate::store::{self, Mistake, Outcome, StoredUpload, Waiting};

/// The kind of the job that brings a file in; its key is the file's id.
pub(crate) const UPLOAD_JOB: &str = "upload";

/// How many products go into one transaction.
const AT_ONCE: i64 = 25;
/// How long a file that is done can be asked for, in seconds.
const KEPT_SECONDS: i64 = 30 * 24 * 3_600;
/// How many mistakes are written in one sheet.
const SHEET_ROWS_MAX: i64 = 100_000;

/// A product of a file, read as far as that can be done without looking what is there.
struct Turn {
    waiting: Waiting,
    read: Result<Imported, Vec<FieldError>>,
}

impl App {
    /// Takes a file in: it is stored, and a job goes through it.
    pub async fn start_upload(
        &self,
        owner: Store,
        format: Format,
        upload: Upload,
        dry_run: bool,
        key: Option<Key>,
    ) -> Result<Given, Error> {
        self.db
            .write(move |tx| {
                once(tx, key.as_ref(), |tx| {
                    let id = store::insert_upload(tx, (owner.id, &owner.name), format, &upload, dry_run)?;
                    let now = tx.now();
                    jobs::queue(tx, UPLOAD_JOB, &id.to_string(), Json::Null, now)?;
                    let made = store::upload(tx, id)?.ok_or(Error::NoUpload)?.job;
                    Ok(Answer::new(202, Some(format!("/api/v1/products/bulk/{id}")), &made))
                })
            })
            .await
    }

    /// How far a file of the seller's is.
    pub async fn upload(&self, seller: Seller, id: Uuid) -> Result<UploadJob, Error> {
        let found = self.db.read(move |q| Ok::<_, Error>(store::upload(q, id)?)).await?;
        found.map(|f| f.job).filter(|job| seller.acts_for(job.vendor_id)).ok_or(Error::NoUpload)
    }

    /// What could not be taken of a file of the seller's, by line; all of it without a page.
    pub async fn mistakes(&self, seller: Seller, id: Uuid, page: Option<PageRequest>) -> Result<Vec<Mistake>, Error> {
        self.upload(seller, id).await?;
        let (after, limit) = page.map_or((None, SHEET_ROWS_MAX), |p| (p.after, p.limit));
        self.db.read(move |q| Ok(store::mistakes(q, id, after, limit)?)).await
    }

    /// Runs the job: one step, then again at once until nothing is left.
    pub async fn run_upload_job(&self, job: Job) -> JobOutcome {
        let Ok(id) = job.key.parse() else { return JobOutcome::Failed(format!("not a file: {:?}", job.key)) };
        match self.step(id).await {
            Ok(more) => {
                self.kept.forget();
                if more { JobOutcome::Again(self.clock.now()) } else { JobOutcome::Done }
            }
            Err(e) => JobOutcome::Retry(e.to_string()),
        }
    }

    /// Brings the next few products in; whether there may be more.
    async fn step(&self, id: Uuid) -> Result<bool, Error> {
        let found = self.db.read(move |q| Ok::<_, Error>((store::upload(q, id)?, store::waiting(q, id, AT_ONCE)?))).await?;
        let (Some(upload), waiting) = found else { return Ok(false) };
        if waiting.is_empty() {
            return Ok(false);
        }
        let turns: Vec<Turn> = waiting.into_iter().map(|w| Turn { read: read(&w.body, &self.public_url), waiting: w }).collect();
        self.db.write_behind(move |tx| make(tx, &upload, &turns)).await.map_err(Error::from)?;
        Ok(true)
    }

    /// Forgets files that are older than they need be.
    pub async fn prune_uploads(&self) -> Result<(), DbError> {
        let before = self.clock.now().plus_seconds(-KEPT_SECONDS);
        while self.db.write_behind(move |tx| store::prune_upload(tx, before)).await? > 0 {}
        Ok(())
    }
}

/// One step. Where somebody else made it there is nothing to do; the next look finds out what is left.
fn make(tx: &mut Tx, upload: &StoredUpload, turns: &[Turn]) -> Result<(), DbError> {
    let owner = Store { id: upload.job.vendor_id, name: upload.vendor_name.clone() };
    let (mut out, mut mistakes) = (Outcome::default(), Vec::new());
    let last = turns.last().map_or(0, |t| t.waiting.number);
    if !store::advance_upload(tx, &upload.job, turns.len() as i64, last)? {
        return Ok(());
    }
    let good: Vec<Imported> = turns.iter().filter_map(|t| t.read.as_ref().ok().cloned()).collect();
    let outcomes = if upload.job.dry_run { check_all(tx, owner.id, &good)? } else { upsert_all(tx, &owner, &good)? };
    let mut outcomes = outcomes.into_iter();
    for turn in turns {
        let done = match &turn.read {
            Ok(_) => outcomes.next().unwrap_or(Err(Error::NoProduct)),
            Err(errors) => Err(Error::Invalid(errors.clone())),
        };
        match done {
            Ok(Upserted::Created) => out.created += 1,
            Ok(Upserted::Updated) => out.updated += 1,
            Ok(Upserted::Unchanged) => out.unchanged += 1,
            Err(e) => {
                out.failed += 1;
                mistakes.extend(mistakes_of(&turn.waiting, upload.format, e));
            }
        }
    }
    store::insert_mistakes(tx, upload.job.id, &mistakes)?;
    store::count_upload(tx, upload.job.id, out)
}

fn mistakes_of(waiting: &Waiting, format: Format, e: Error) -> Vec<RowError> {
    let Error::Invalid(errors) = e else { return vec![RowError::new(waiting.line, "", e.to_string())] };
    let lines = waiting.variant_lines.clone();
    let product = FileProduct { line: waiting.line, handle: String::new(), vendor: String::new(), body: Json::Null, variant_lines: lines };
    let mistake = |e: FieldError| RowError::new(product.line_of(&e.pointer), format.place(&e.pointer), e.detail);
    errors.into_iter().map(mistake).collect()
}
