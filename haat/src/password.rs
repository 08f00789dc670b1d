//! A password that somebody gives a command: from a file, from the environment, or typed and not shown.

use std::io::{BufRead, IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// What a password is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be one from now on: a slip of the finger would not be noticed, so it is asked for twice.
    New,
    /// To sign in.
    Known,
}

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
    let password = line("Password: ")?;
    if purpose == Purpose::New && line("The same again: ")? != password {
        bail!("these were two different passwords");
    }
    drop(hidden);
    if password.is_empty() { bail!("the password is empty") } else { Ok(password) }
}

fn line(prompt: &str) -> anyhow::Result<String> {
    let mut out = std::io::stderr().lock();
    write!(out, "{prompt}")?;
    out.flush()?;
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line)?;
    writeln!(out)?;
    if read == 0 {
        bail!("nothing was typed");
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The terminal shows nothing of what is typed, until this is dropped.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> std::io::Result<Hidden> {
        let before = tcgetattr(std::io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Hidden(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing either.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}
