//! Where an export goes: a file that is there as it was until the new one is whole.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{BufWriter, Result as IoResult, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::{Builder, NamedTempFile};

use crate::print::{self, Printer};

/// What is being written.
pub(super) struct Output {
    to: BufWriter<Sink>,
    path: PathBuf,
}

enum Sink {
    /// The standard output, or what is there and no file, such as a pipe.
    Stream(Box<dyn Write + Send>),
    /// A file beside the one that it becomes.
    Beside(NamedTempFile),
}

impl Output {
    /// To a file, or to the standard output for `-`.
    pub fn to(path: &Path) -> anyhow::Result<Output> {
        let sink = sink(path).with_context(|| format!("cannot write {}", path.display()))?;
        // Where a link leads to is replaced, not the link.
        Ok(Output { to: BufWriter::new(sink), path: path.canonicalize().unwrap_or_else(|_| path.to_owned()) })
    }

    /// All of it is written: from now on it is there.
    pub fn finish(self) -> anyhow::Result<()> {
        let Output { to, path } = self;
        let finish = || -> IoResult<()> {
            match to.into_inner().map_err(std::io::IntoInnerError::into_error)? {
                Sink::Stream(mut stream) => stream.flush(),
                Sink::Beside(file) => {
                    file.as_file().sync_all()?;
                    file.persist(&path).map(drop).map_err(|e| e.error)
                }
            }
        };
        finish().with_context(|| format!("cannot write {}", path.display()))
    }
}

fn sink(path: &Path) -> IoResult<Sink> {
    if path == Path::new("-") {
        return Ok(Sink::Stream(Box::new(print::stdout())));
    }
    let there = path.metadata().ok();
    if there.as_ref().is_some_and(|about| !about.is_file()) {
        return Ok(Sink::Stream(Box::new(Printer(OpenOptions::new().write(true).open(path)?))));
    }
    if there.is_some() {
        // Whether it may be written is its own affair.
        drop::<File>(OpenOptions::new().write(true).open(path)?);
    }
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = whole.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = there.map_or_else(|| Permissions::from_mode(0o666), |about| about.permissions());
    Ok(Sink::Beside(Builder::new().prefix(".haat-export-").permissions(permissions).tempfile_in(folder)?))
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> IoResult<()> {
        self.to.flush()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        match self {
            Sink::Stream(stream) => stream.write(bytes),
            Sink::Beside(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> IoResult<()> {
        match self {
            Sink::Stream(stream) => stream.flush(),
            Sink::Beside(file) => file.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stays_until_the_new_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.csv"), folder.path().join("link.csv"));
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let files = || std::fs::read_dir(folder.path()).unwrap().count();
        let mut begun = Output::to(&link).unwrap();
        begun.write_all(b"half").unwrap();
        begun.flush().unwrap();
        drop(begun);
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), files()), ("old", 2), "what was not finished leaves nothing");
        let mut whole = Output::to(&link).unwrap();
        whole.write_all(b"new").unwrap();
        whole.finish().unwrap();
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), files()), ("new", 2));
        assert!(link.is_symlink());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        Output::to(Path::new("/dev/null")).unwrap().finish().unwrap();
        assert!(Output::to(&folder.path().join("no/such")).is_err());
    }
}
