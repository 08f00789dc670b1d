//! Flushes, counted by somebody else than the server.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;

/// strace, attached to the server.
pub struct Tracer {
    child: Child,
    output: NamedTempFile,
}

impl Tracer {
    /// Begins to count.
    pub fn attach(server: Option<u32>) -> Result<Tracer> {
        let server = server.context("--strace needs a server of its own; leave --target out")?;
        let output = NamedTempFile::new()?;
        let child = Command::new("strace")
            .args(["-f", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range,msync", "-p", &server.to_string(), "-o"])
            .arg(output.path())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run strace; the Debian package is called strace")?;
        Ok(Tracer { child, output })
    }

    /// Stops counting and says how many flushes there were.
    pub fn count(mut self) -> Result<u64> {
        // An interrupted strace lets go of the process and writes what it has; a killed one does not.
        let told = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status()?;
        ensure!(told.success(), "strace has ended by itself; it may not be allowed to trace");
        self.child.wait()?;
        Ok(flushes(&std::fs::read_to_string(self.output.path())?))
    }
}

/// Lines such as `123 fdatasync(9) = 0`; a call in two lines counts once.
fn flushes(output: &str) -> u64 {
    output.lines().filter(|line| line.contains("sync") && !line.contains("resumed>")).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_is_counted_once() {
        let output = "1 fdatasync(9) = 0\n2 fsync(8 <unfinished ...>\n1 +++ exited with 0 +++\n2 <... fsync resumed>) = 0\n";
        assert_eq!(flushes(output), 2);
    }
}
