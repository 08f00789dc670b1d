//! Clients in TypeScript and Python, generated from the description, buy something.
//!
//! The generators come from npm and PyPI in the versions that are written down beside the programs, once, into a folder
//! below the target directory.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use anyhow::{Context, Result, ensure};

use crate::workspace;

const TYPESCRIPT: &str = "haat/tests/clients/typescript";
const PYTHON: &str = "haat/tests/clients/python";
/// What the generator for Python cannot do: it knows one kind of body, and answers in text and JSON.
const NOT_FOR_PYTHON: [&str; 4] = [
    "POST /api/v1/products/bulk within",
    "GET /media/demo/{name} within",
    "GET /api/v1/users/{id}/photo within",
    "PUT /api/v1/users/{id}/photo within",
];

/// Whether both place an order and pay for it. `binary` is `haat`.
pub fn run(binary: &Path) -> Result<bool> {
    let folder = workspace::target_directory()?.join("clients");
    fs::create_dir_all(&folder)?;
    let server = Server::start(binary, &folder.join("data"))?;
    let description = folder.join("openapi.json");
    fs::write(&description, output(Command::new(binary).args(["openapi", "--url", &server.url]))?)?;
    typescript(&folder.join("typescript"), &description, &server.url)?;
    python(&folder.join("python"), &description, &server.url)?;
    Ok(true)
}

fn typescript(folder: &Path, description: &Path, url: &str) -> Result<()> {
    install(folder, TYPESCRIPT, "package-lock.json", |folder| {
        output(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder)).map(drop)
    })?;
    let program = |name: &str| {
        let mut command = Command::new(folder.join("node_modules/.bin").join(name));
        command.current_dir(folder);
        command
    };
    output(program("openapi-typescript").arg(description).args(["--output", "schema.d.ts"]))?;
    output(program("tsc").args(["--project", "."]))?;
    println!("typescript: {}", output(Command::new("node").arg(folder.join("built/journey.js")).arg(url))?.trim_end());
    Ok(())
}

fn python(folder: &Path, description: &Path, url: &str) -> Result<()> {
    install(folder, PYTHON, "requirements.txt", |folder| {
        output(Command::new("python3").args(["-m", "venv", "venv"]).current_dir(folder))?;
        let pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "--requirement", "requirements.txt"];
        output(Command::new(folder.join("venv/bin/python")).args(pip).current_dir(folder)).map(drop)
    })?;
    let generated = said(
        Command::new(folder.join("venv/bin/openapi-python-client"))
            .args(["generate", "--overwrite", "--meta", "none", "--config", "generator.yaml", "--output-path", "haat_client", "--path"])
            .arg(description)
            .env("NO_COLOR", "1")
            .current_dir(folder),
    )?;
    let complaints: Vec<_> = generated.lines().filter(|line| line.starts_with("WARNING parsing")).collect();
    let unexpected = complaints.iter().filter(|line| NOT_FOR_PYTHON.iter().all(|known| !line.contains(known)));
    ensure!(unexpected.count() == 0, "the generator for Python cannot read all of the description:\n{generated}");
    println!("python: {}", output(Command::new(folder.join("venv/bin/python")).arg(folder.join("journey.py")).arg(url))?.trim_end());
    Ok(())
}

/// Copies a client's files out of the repository, and installs its tools where other versions were written down last time.
fn install(folder: &Path, from: &str, versions: &str, install: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let from = workspace::root().join(from);
    let (wanted, done) = (fs::read(from.join(versions))?, folder.join("installed"));
    let is_there = fs::read(&done).is_ok_and(|installed| installed == wanted);
    if !is_there && folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(&from)? {
        let entry = entry?;
        fs::copy(entry.path(), folder.join(entry.file_name()))?;
    }
    if !is_there {
        install(folder)?;
        fs::write(done, wanted)?;
    }
    Ok(())
}

/// What it wrote, where it ended well.
fn output(command: &mut Command) -> Result<String> {
    finished(command).map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// As [`output`], with what it complained of.
fn said(command: &mut Command) -> Result<String> {
    finished(command).map(|Output { stdout, stderr, .. }| String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn finished(command: &mut Command) -> Result<Output> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {command:?}"))?;
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    ensure!(output.status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&said));
    Ok(output)
}

/// A demo marketplace without a past, on a port of its own.
struct Server {
    child: Child,
    url: String,
    /// Open for as long as it may write.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start(binary: &Path, data: &PathBuf) -> Result<Server> {
        if data.exists() {
            fs::remove_dir_all(data)?;
        }
        let mut command = Command::new(binary);
        command.args(["demo", "--days", "0", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start haat")?;
        let mut stdout = BufReader::new(child.stdout.take().context("the server's output is piped")?);
        let (mut line, mut url) = (String::new(), String::new());
        while line.trim_end() != "haat is ready" {
            line.clear();
            ensure!(stdout.read_line(&mut line)? > 0, "haat ended before it was ready");
            if let Some((_, address)) = line.split_once("listens on ") {
                url = address.trim().to_owned();
            }
        }
        Ok(Server { child, url, _stdout: stdout })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // At the end there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
