//! One process at a time: a lock that the operating system frees when its holder dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::DbError;

/// Opens a file; where it has to be made, nobody but its owner may read it.
pub(super) fn private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Takes the lock of the database `path`, or says who has it. Held until it is dropped.
pub(super) fn take(path: &Path) -> Result<File, DbError> {
    let lock = path.with_extension("lock");
    let mut file = private(&lock).map_err(|e| {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        DbError::Unavailable(format!("the data directory {} cannot be written to: {}: {e}", folder.display(), lock.display()))
    })?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Who holds it is only for the message.
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.trim().is_empty() { String::new() } else { format!(" (process {})", holder.trim()) };
            return Err(DbError::Unavailable(format!("{} is in use by another haat{holder}: one process at a time", path.display())));
        }
        Err(TryLockError::Error(e)) => return Err(DbError::Unavailable(format!("{} cannot be locked: {e}", lock.display()))),
    }
    let noted = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
    noted.map_err(|e| DbError::Unavailable(format!("{} cannot be written: {e}", lock.display())))?;
    Ok(file)
}
