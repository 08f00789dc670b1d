//! `haat backup` and `haat restore`: the embedded database as one file with a manifest, made while haat runs and read back
//! before it counts.

mod check;
mod manifest;
mod store;

use std::ffi::OsStr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use kit::Clock;
use kit::db::{DatabaseFile, put_in_place};

use crate::config::{Config, make_private_directory};
use manifest::Manifest;

/// The database's file within a backup.
const FILE: &str = "haat.db";
/// What it is called until it has been read back.
const UNFINISHED: &str = "haat.db.unfinished";
/// What may lie in a data directory before a backup is restored into it.
const MAY_BE_THERE: &str = "master.key";

/// Copies the database, as it is at one moment, into the new directory `dest`, and reads the copy back. What was made.
pub fn make(config: &Config, dest: &Path) -> anyhow::Result<String> {
    refuse_postgres(config)?;
    config.require_database()?;
    make_empty(dest)?;
    let source = DatabaseFile::open(&config.sqlite_file())?;
    let rows = source.counts()?;
    let (unfinished, file) = (Unfinished::begin(dest)?, dest.join(FILE));
    let bar = bar();
    source.copy(&unfinished.0, |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })?;
    drop(source);
    bar.finish_and_clear();
    check::read_back(&unfinished.0, &rows).with_context(|| format!("the copy in {} is not what it should be", dest.display()))?;
    std::fs::rename(&unfinished.0, &file).with_context(|| format!("cannot write {}", file.display()))?;
    let manifest = Manifest::of(&file, rows, Clock::system().now())?;
    manifest.write(dest)?;
    Ok(format!("{}: {}", dest.display(), manifest.summary()))
}

/// Puts a backup into the data directory, if it is whole and not newer than this program. What was restored.
pub fn restore(config: &Config, src: &Path, force: bool) -> anyhow::Result<String> {
    refuse_postgres(config)?;
    let manifest = Manifest::read(src)?;
    manifest.check_version()?;
    let data = config.make_data_directory()?;
    if let Some(found) = something_in(data)?.filter(|_| !force) {
        bail!(
            "{} is not empty ({} is there): restore into an empty directory, or replace its database with --force",
            data.display(),
            found.display()
        );
    }
    let unfinished = Unfinished::begin(data)?;
    copy_privately(&src.join(FILE), &unfinished.0).with_context(|| format!("cannot copy {}", src.join(FILE).display()))?;
    manifest
        .check_file(&unfinished.0)
        .and_then(|()| check::read_back(&unfinished.0, &manifest.rows))
        .with_context(|| format!("the backup {} is damaged; nothing was replaced", src.display()))?;
    put_in_place(&unfinished.0, &config.sqlite_file())?;
    Ok(format!("{}: {}", data.display(), manifest.summary()))
}

/// A copy that does not count yet: what is left of it in the end goes, and what a killed command left goes first.
struct Unfinished(PathBuf);

impl Unfinished {
    fn begin(directory: &Path) -> anyhow::Result<Unfinished> {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            if is_unfinished(&entry.file_name()) {
                std::fs::remove_file(entry.path()).with_context(|| format!("cannot remove {}", entry.path().display()))?;
            }
        }
        Ok(Unfinished(directory.join(UNFINISHED)))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Only the copy, where it was not put in place: there is nothing to lose.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The copy or what SQLite makes beside it.
fn is_unfinished(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(UNFINISHED)
}

fn copy_privately(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut target = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    std::io::copy(&mut std::fs::File::open(from)?, &mut target)?;
    target.sync_all()
}

fn refuse_postgres(config: &Config) -> anyhow::Result<()> {
    if config.database.url.is_none() {
        return Ok(());
    }
    bail!(
        "haat keeps its rows in PostgreSQL here, whose own tools copy a running database as of one moment:\n  \
         pg_dump --format=custom --file=haat.dump \"$HAAT_DATABASE__URL\"\n\
         and bring it back, into an empty database in which `haat migrate` has made the roles:\n  \
         pg_restore --clean --if-exists --single-transaction --dbname=\"$HAAT_DATABASE__URL\" haat.dump\n\
         Always all schemas together; see docs/operations/backup.md"
    )
}

fn make_empty(dest: &Path) -> anyhow::Result<()> {
    make_private_directory(dest).with_context(|| format!("cannot make the directory {}", dest.display()))?;
    for entry in std::fs::read_dir(dest)? {
        if !is_unfinished(&entry?.file_name()) {
            bail!("{} is not empty: each backup has a directory of its own", dest.display());
        }
    }
    Ok(())
}

fn something_in(data: &Path) -> anyhow::Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(data).with_context(|| format!("cannot read {}", data.display()))? {
        let name = entry?.file_name();
        if name != MAY_BE_THERE && !is_unfinished(&name) {
            return Ok(Some(name.into()));
        }
    }
    Ok(None)
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {pos} of {len} pages  {eta} left") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
