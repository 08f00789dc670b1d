//! A password that somebody gives a command: from a file, from the environment, or typed and not shown.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

/// What a password is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be one from now on: a slip of the finger would not be noticed, so it is asked for twice.
    New,
    /// To sign in.
    Known,
}

/// Somebody pressed ^C in place of a password.
#[derive(Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no password was typed")
    }
}

impl std::error::Error for Interrupted {}

/// The first line of `file`, else what the environment holds as `variable`, else what is typed.
pub fn given(file: Option<&Path>, variable: &str, purpose: Purpose) -> anyhow::Result<String> {
    let text = match (file, std::env::var(variable)) {
        (Some(file), _) => std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?,
        (None, Ok(text)) => text,
        (None, Err(_)) if std::io::stdin().is_terminal() => return asked(purpose),
        (None, Err(_)) => bail!("there is no terminal to ask for the password: give it with --password-file or in {variable}"),
    };
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(password.to_owned()),
        _ => bail!("the password is empty"),
    }
}

fn asked(purpose: Purpose) -> anyhow::Result<String> {
    let hidden = Hidden::begin().context("the terminal shows what is typed")?;
    let password = hidden.line("Password: ")?;
    if purpose == Purpose::New && hidden.line("The same again: ")? != password {
        bail!("these were two different passwords");
    }
    drop(hidden);
    if password.is_empty() { bail!("the password is empty") } else { Ok(password) }
}

/// The terminal shows nothing of what is typed, until this is dropped. It sends no signals either, since one would leave it
/// so: a key that does ends the line, and then the command. Those that come from elsewhere let it show again first.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> std::io::Result<Hidden> {
        let before = tcgetattr(std::io::stdin())?;
        heed(SignalKind::terminate(), &before)?;
        heed(SignalKind::hangup(), &before)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        hidden.special_codes[SpecialCodeIndex::VEOL] = before.special_codes[SpecialCodeIndex::VINTR];
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Hidden(before))
    }

    fn line(&self, prompt: &str) -> anyhow::Result<String> {
        let mut out = std::io::stderr().lock();
        write!(out, "{prompt}")?;
        out.flush()?;
        let (mut typed, mut last) = (Vec::new(), None);
        let interrupt = self.0.special_codes[SpecialCodeIndex::VINTR];
        for byte in std::io::stdin().lock().bytes() {
            let byte = byte?;
            last = Some(byte);
            if byte == b'\n' || byte == interrupt {
                break;
            }
            typed.push(byte);
        }
        writeln!(out)?;
        match last {
            None => bail!("nothing was typed"),
            Some(byte) if byte == interrupt => Err(Interrupted.into()),
            Some(_) => {
                let text = String::from_utf8(typed).context("the password is not UTF-8")?;
                let text = text.trim_end_matches('\r');
                if text.contains(|c: char| c.is_ascii_control()) {
                    bail!("the password has a control character in it, as of ^Z");
                }
                Ok(text.to_owned())
            }
        }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        show(&self.0);
    }
}

/// The terminal is as it was.
fn show(before: &Termios) {
    // One that is gone shows nothing either.
    let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
}

/// Ends the process on a signal, as one that it has ended, but has the terminal show again first. This goes on behind the
/// prompt: a signal that was heeded once never ends a process by itself any more.
fn heed(kind: SignalKind, before: &Termios) -> std::io::Result<()> {
    let (mut asked, before) = (signal(kind)?, before.clone());
    tokio::spawn(async move {
        if asked.recv().await.is_some() {
            show(&before);
            std::process::exit(128 + kind.as_raw_value());
        }
    });
    Ok(())
}
