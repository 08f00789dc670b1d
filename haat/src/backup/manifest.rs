//! What lies beside a backup and says what it is.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context, bail};
use contracts::Time;
use kit::db::{DatabaseFile, known_only};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::store;
use crate::platform;

const NAME: &str = "manifest.json";
/// The shape of a backup; another one is of a newer haat.
const FORMAT: u32 = 1;

/// What a backup is. It is written last: without it a backup is not complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    format: u32,
    /// Of the program that made it.
    version: String,
    /// As of when, nearly.
    created_at: Time,
    bytes: u64,
    /// Of the file, in hexadecimal.
    sha256: String,
    /// The steps that each service's schema has taken.
    steps: BTreeMap<String, Vec<String>>,
    /// How many rows each table has.
    pub rows: BTreeMap<String, i64>,
}

impl Manifest {
    /// Of a file with so many rows.
    pub fn of(file: &Path, rows: BTreeMap<String, i64>, created_at: Time) -> anyhow::Result<Manifest> {
        let (bytes, sha256) = sum(file)?;
        let database = DatabaseFile::open(file)?;
        let services = rows.keys().filter_map(|table| table.strip_suffix("_schema_steps"));
        let steps = services.map(|service| {
            let steps = database.texts(&store::steps_of(service))?;
            Ok((service.to_owned(), steps))
        });
        let steps = steps.collect::<anyhow::Result<_>>()?;
        Ok(Manifest { format: FORMAT, version: env!("CARGO_PKG_VERSION").into(), created_at, bytes, sha256, steps, rows })
    }

    /// Of the backup in a directory.
    pub fn read(directory: &Path) -> anyhow::Result<Manifest> {
        let file = directory.join(NAME);
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("{} is no complete backup: {} cannot be read", directory.display(), file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a manifest", file.display()))
    }

    /// Puts it beside its file.
    pub fn write(&self, directory: &Path) -> anyhow::Result<()> {
        let file = directory.join(NAME);
        let text = serde_json::to_string_pretty(self)? + "\n";
        let written = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
        let written = written.and_then(|mut out| out.write_all(text.as_bytes()).and_then(|()| out.sync_all()));
        written.with_context(|| format!("cannot write {}", file.display()))?;
        Ok(std::fs::File::open(directory)?.sync_all()?)
    }

    /// Refuses what a newer haat has made.
    pub fn check_version(&self) -> anyhow::Result<()> {
        let newer = |what: String| anyhow::anyhow!("the backup was made by haat {}, which is newer than this one: {what}", self.version);
        if self.format > FORMAT {
            return Err(newer(format!("its format is {}, known here is {FORMAT}", self.format)));
        }
        for (service, steps) in &self.steps {
            let known = platform::SERVICES.iter().find(|s| s.name == service);
            let known = known.ok_or_else(|| newer(format!("there is no service {service} here")))?;
            known_only(known.name, known.migrations, steps).map_err(|e| newer(e.to_string()))?;
        }
        Ok(())
    }

    /// Whether a file is the one that it was made of.
    pub fn check_file(&self, file: &Path) -> anyhow::Result<()> {
        let (bytes, sha256) = sum(file)?;
        if (bytes, &sha256) != (self.bytes, &self.sha256) {
            bail!("expected {} bytes with the SHA-256 {}, found {bytes} with {sha256}", self.bytes, self.sha256);
        }
        Ok(())
    }

    /// In a line.
    pub fn summary(&self) -> String {
        let rows: i64 = self.rows.values().sum();
        let (tables, mib) = (self.rows.len(), self.bytes.div_ceil(1 << 20));
        format!("{rows} rows in {tables} tables, {mib} MiB, by haat {} at {}", self.version, self.created_at)
    }
}

/// Length and SHA-256.
fn sum(file: &Path) -> anyhow::Result<(u64, String)> {
    let mut open = std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (mut sha256, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        match open.read(&mut buffer)? {
            0 => return Ok((bytes, kit::auth::hex(&sha256.finalize()))),
            read => {
                sha256.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}
