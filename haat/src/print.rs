//! What commands print. Where its reader has gone, as behind `| head -1`, a command ends without a word, as others do.

use std::fmt::{self, Display};
use std::io::{Error, ErrorKind, Result, Write};

/// Nobody reads the output any more.
#[derive(Debug)]
struct ReaderGone;

impl Display for ReaderGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the output any more")
    }
}

impl std::error::Error for ReaderGone {}

/// An output of a command. Its errors say where its reader has gone: a connection that broke is something else.
pub struct Printer<W: Write>(pub W);

/// The standard output.
pub fn stdout() -> Printer<std::io::Stdout> {
    Printer(std::io::stdout())
}

/// Prints as it is.
pub fn text(text: impl Display) -> anyhow::Result<()> {
    let mut out = stdout();
    write!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Prints and ends the line.
pub fn line(line: impl Display) -> anyhow::Result<()> {
    Ok(writeln!(stdout(), "{line}")?)
}

/// Says something beside the output; where nobody hears it, it is as well.
pub fn aside(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether a command failed because nobody reads its output any more.
pub fn is_unread(error: &anyhow::Error) -> bool {
    let is_it = |e: &Error| e.get_ref().is_some_and(|inner| inner.is::<ReaderGone>());
    error.chain().any(|cause| cause.downcast_ref::<Error>().is_some_and(is_it))
}

impl<W: Write> Write for Printer<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.write(bytes).map_err(noted)
    }

    fn flush(&mut self) -> Result<()> {
        self.0.flush().map_err(noted)
    }
}

fn noted(e: Error) -> Error {
    if e.kind() == ErrorKind::BrokenPipe { Error::new(ErrorKind::BrokenPipe, ReaderGone) } else { e }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_reader_that_has_gone_is_told_from_a_connection_that_broke() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut csv = csv::Writer::from_writer(Printer(writer));
        csv.write_record(["a"]).unwrap();
        let unread: anyhow::Result<()> = csv.flush().context("cannot write -");
        assert!(is_unread(&unread.unwrap_err()));
        assert!(!is_unread(&anyhow::Error::new(Error::from(ErrorKind::BrokenPipe)).context("the server")));
        // What the writer still holds is lost with it.
        drop(csv);
    }
}
