//! What an import did, and what it could not take.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, bail};
use contracts::files::RowError;
use tokio::time::Instant;

use crate::exchange::Done;

/// So many rows that could not be taken are shown at the end.
const SHOWN: usize = 20;

/// Whether two names are of one file that is there.
fn is_same(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| path.metadata().ok().map(|about| (about.dev(), about.ino()));
    place(one).is_some_and(|one| place(other) == Some(one))
}

/// Counts what was done, and writes down what could not be taken as soon as it is known.
#[derive(Default)]
pub struct Report {
    /// New ones.
    pub created: u64,
    /// Those that changed.
    pub updated: u64,
    /// Those that were there as they are.
    pub unchanged: u64,
    /// What could not be taken.
    pub refused: u64,
    /// It was asked to stop before the end of the file.
    pub is_stopped: bool,
    /// Stores that were opened.
    pub opened: Vec<String>,
    began: Option<Instant>,
    first: Vec<RowError>,
    file: Option<csv::Writer<File>>,
}

impl Report {
    /// The import of `input` begins, with a file for every row that cannot be taken: line, column, reason.
    pub fn begin(&mut self, path: Option<&Path>, input: &Path) -> anyhow::Result<()> {
        if path.is_some_and(|path| is_same(path, input)) {
            bail!("{} is what is to be imported: --report names another file", input.display());
        }
        let open = |path: &Path| {
            let mut file = csv::WriterBuilder::new().has_headers(false).from_path(path)?;
            file.write_record(["line", "column", "reason"])?;
            Ok::<_, csv::Error>(file)
        };
        self.file = path.map(|path| open(path).with_context(|| format!("cannot write {}", path.display()))).transpose()?;
        self.began = Some(Instant::now());
        Ok(())
    }

    /// What was done with some of the file.
    pub fn take(&mut self, done: Done) -> anyhow::Result<()> {
        self.created += done.created;
        self.updated += done.updated;
        self.unchanged += done.unchanged;
        self.refuse(done.errors)
    }

    /// Rows that cannot be taken.
    pub fn refuse(&mut self, errors: impl IntoIterator<Item = RowError>) -> anyhow::Result<()> {
        for e in errors {
            if let Some(file) = &mut self.file {
                file.serialize(&e)?;
            }
            self.refused += 1;
            if self.first.len() < SHOWN {
                self.first.push(e);
            }
        }
        Ok(())
    }

    /// How many have been taken.
    pub fn taken(&self) -> u64 {
        self.created + self.updated + self.unchanged
    }

    /// Whether it says anything yet.
    pub fn is_empty(&self) -> bool {
        self.taken() == 0 && self.refused == 0 && self.opened.is_empty()
    }

    /// Says what was done with `what`, and the first of what could not be taken.
    pub fn print(&mut self, out: &mut impl Write, what: &str, is_dry: bool) -> anyhow::Result<()> {
        let seconds = self.began.map_or(0.0, |began| began.elapsed().as_secs_f64());
        if let Some(file) = &mut self.file {
            file.flush()?;
        }
        let done = if is_dry { "checked (nothing was written)" } else { "imported" };
        let (taken, rate) = (self.taken(), self.taken() as f64 / seconds.max(0.001));
        writeln!(
            out,
            "{done}: {taken} {what} in {seconds:.1} s ({rate:.0} per second): {} new, {} changed, {} as they were",
            self.created, self.updated, self.unchanged
        )?;
        if !self.opened.is_empty() {
            let more = self.opened.len().saturating_sub(SHOWN);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            let opened = if is_dry { "stores that would be opened" } else { "stores opened" };
            writeln!(out, "{opened}: {}{rest}", self.opened.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", "))?;
        }
        for e in &self.first {
            writeln!(out, "  line {}, {}: {}", e.line, if e.column.is_empty() { "the row" } else { &e.column }, e.reason)?;
        }
        if self.refused > self.first.len() as u64 {
            writeln!(out, "  … and {} more; --report FILE writes all of them", self.refused - self.first.len() as u64)?;
        }
        if self.is_stopped {
            writeln!(out, "stopped before the end of the file: the same command goes on, what is there is only compared")?;
        }
        Ok(())
    }
}
