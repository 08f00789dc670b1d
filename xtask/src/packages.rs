//! Programs that the tests start themselves, and the Debian packages they come from.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

struct Package {
    name: &'static str,
    /// It is installed where this file is.
    file: &'static str,
}

const PACKAGES: &[Package] = &[
    Package { name: "postgresql-15", file: "/usr/lib/postgresql/15/bin/postgres" },
    // What the documents' examples use; a test runs them.
    Package { name: "curl", file: "/usr/bin/curl" },
    Package { name: "jq", file: "/usr/bin/jq" },
    // What clients are generated and run with.
    Package { name: "nodejs", file: "/usr/bin/node" },
    Package { name: "npm", file: "/usr/bin/npm" },
    Package { name: "python3-venv", file: "/usr/lib/python3.11/ensurepip/__init__.py" },
];

/// Installs what is missing, as root; otherwise says what is missing and how to get it.
pub fn ensure() -> Result<()> {
    let missing = missing(PACKAGES, |file| Path::new(file).exists());
    if missing.is_empty() {
        return Ok(());
    }
    let command = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    if !is_root() {
        bail!("the tests need Debian packages that are not installed; run: sudo {command}");
    }
    println!("$ {command}");
    if apt("install", &missing)? {
        return Ok(());
    }
    // A fresh image has no package lists yet, or old ones.
    if apt("update", &[])? && apt("install", &missing)? {
        return Ok(());
    }
    bail!("could not install {}; see the output of apt-get above", missing.join(" "))
}

fn missing(packages: &[Package], exists: impl Fn(&str) -> bool) -> Vec<&'static str> {
    packages.iter().filter(|p| !exists(p.file)).map(|p| p.name).collect()
}

fn apt(verb: &str, names: &[&str]) -> Result<bool> {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args([verb, "-y"]);
    if verb == "install" {
        command.arg("--no-install-recommends").args(names);
    }
    Ok(command
        .status()
        .context("cannot run apt-get; install by hand: postgresql-15 server binaries, curl, jq, nodejs, npm, python3-venv")?
        .success())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_there_is_installed() {
        const TWO: &[Package] = &[Package { name: "a", file: "/a" }, Package { name: "b", file: "/b" }];
        assert_eq!(missing(TWO, |file| file == "/a"), ["b"]);
        assert!(missing(TWO, |_| true).is_empty());
    }
}
