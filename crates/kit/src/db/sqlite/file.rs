//! A database file, seen from outside of a running platform: copied while it is in use, looked at while it rests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{DbError, errors, lock};

/// Pages that are copied in one step: 4 MiB of the usual ones.
const STEP_PAGES: i32 = 1_024;
/// The pause after each step, so that the disk is there for who writes.
const STEP_PAUSE: Duration = Duration::from_millis(2);

/// A database file, opened for reading.
pub struct DatabaseFile {
    path: PathBuf,
    conn: Connection,
}

impl DatabaseFile {
    /// Opens a file that is there. What it shows from the first look on is one moment, whoever writes meanwhile.
    pub fn open(path: &Path) -> Result<DatabaseFile, DbError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(path, flags).and_then(|conn| {
            conn.execute_batch("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; BEGIN")?;
            Ok(DatabaseFile { path: path.to_owned(), conn })
        });
        opened.map_err(|e| errors::opening(path, &e))
    }

    /// Copies the moment that it shows into the new file `to`, which is on the disk when this returns. Who writes is not
    /// kept waiting; the write-ahead log grows meanwhile. `tell` is told how many pages of how many are done.
    pub fn copy(&self, to: &Path, mut tell: impl FnMut(u64, u64)) -> Result<(), DbError> {
        // The first look: from here on the copy is of one moment.
        self.tables()?;
        lock::private(to).map_err(|e| DbError::Unavailable(format!("{}: {e}", to.display())))?;
        let copied = Connection::open(to).and_then(|mut target| {
            {
                let backup = Backup::new(&self.conn, &mut target)?;
                loop {
                    let step = backup.step(STEP_PAGES)?;
                    let progress = backup.progress();
                    let all = u64::try_from(progress.pagecount).unwrap_or(0);
                    tell(all - u64::try_from(progress.remaining).unwrap_or(0), all);
                    if step == StepResult::Done {
                        break;
                    }
                    std::thread::sleep(STEP_PAUSE);
                }
            }
            // One file and nothing beside it.
            target.pragma_update(None, "journal_mode", "DELETE")
        });
        copied.map_err(|e| errors::opening(to, &e))?;
        std::fs::File::open(to).and_then(|file| file.sync_all()).map_err(|e| DbError::Unavailable(format!("{}: {e}", to.display())))
    }

    /// Its tables, sorted.
    pub fn tables(&self) -> Result<Vec<String>, DbError> {
        self.texts("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    }

    /// How many rows each table has.
    pub fn counts(&self) -> Result<BTreeMap<String, i64>, DbError> {
        let count = |table: String| {
            let rows = self.conn.query_row(&format!("SELECT COUNT(*) FROM \"{table}\""), [], |r| r.get(0)).map_err(|e| self.failed(&e))?;
            Ok((table, rows))
        };
        self.tables()?.into_iter().map(count).collect()
    }

    /// What SQLite finds damaged in it; nothing where it is whole.
    pub fn damage(&self) -> Result<Vec<String>, DbError> {
        let mut found = self.texts("PRAGMA integrity_check")?;
        found.retain(|line| line != "ok");
        found.extend(self.texts("SELECT \"table\" || ' refers to rows that are missing' FROM pragma_foreign_key_check GROUP BY 1")?);
        Ok(found)
    }

    /// The first column of each row, which is text. Tables are named as SQLite has them: `orders_lines`.
    pub fn texts(&self, sql: &str) -> Result<Vec<String>, DbError> {
        let read = || self.conn.prepare(sql)?.query_map([], |r| r.get(0))?.collect::<rusqlite::Result<Vec<String>>>();
        read().map_err(|e| self.failed(&e))
    }

    fn failed(&self, e: &rusqlite::Error) -> DbError {
        DbError::Unavailable(format!("{}: {e}", self.path.display()))
    }
}

/// Puts the database file `new` in the place of `old`, which need not be there. Refused where a running haat has it.
pub fn put_in_place(new: &Path, old: &Path) -> Result<(), DbError> {
    let _lock = lock::take(old)?;
    let failed = |e: std::io::Error| DbError::Unavailable(format!("{}: {e}", old.display()));
    // A log that is left behind would be taken for the new file's.
    for beside in ["-wal", "-shm", "-journal"] {
        let mut name = old.as_os_str().to_owned();
        name.push(beside);
        match std::fs::remove_file(&name) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
            _ => {}
        }
    }
    std::fs::rename(new, old).map_err(failed)?;
    let folder = old.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}
