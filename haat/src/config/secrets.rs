//! The master key: given from outside, or made once for trying haat out.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::{Config, Profile};

/// What it is called in the data directory.
const FILE: &str = "master.key";

/// The key from which all others are derived. In the development profile it is made in the data directory,
/// readable for its owner only; elsewhere it must be given.
pub fn master_key(config: &Config, ids: &kit::Ids) -> anyhow::Result<[u8; 32]> {
    if let Some(key) = given_key(config)? {
        return Ok(key);
    }
    if config.profile != Profile::Development {
        bail!(
            "master_key: none is given. Make one with `openssl rand -hex 32` and give it as HAAT_MASTER_KEY or in a file named by \
             HAAT_MASTER_KEY_FILE; keep it: without it the data cannot be read"
        );
    }
    let key: [u8; 32] = ids.bytes();
    write(&config.data.join(FILE), &key)?;
    Ok(key)
}

/// The key that is there. Changes nothing.
pub fn given_key(config: &Config) -> anyhow::Result<Option<[u8; 32]>> {
    if let Some(text) = &config.master_key {
        return parse(text).context("master_key").map(Some);
    }
    key_file(config).map(|file| read(&file)).transpose()
}

/// The file in which the key is, where it is in one.
pub fn key_file(config: &Config) -> Option<PathBuf> {
    let own = config.data.join(FILE);
    config.master_key_file.clone().or_else(|| own.exists().then_some(own)).filter(|_| config.master_key.is_none())
}

fn read(file: &Path) -> anyhow::Result<[u8; 32]> {
    let text = std::fs::read_to_string(file).with_context(|| format!("master_key_file: cannot read {}", file.display()))?;
    parse(text.trim()).with_context(|| format!("master_key_file: {}", file.display()))
}

fn write(file: &Path, key: &[u8; 32]) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", file.display());
    let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).with_context(cannot)?;
    writeln!(out, "{}", kit::auth::hex(key)).with_context(cannot)?;
    out.sync_all().with_context(cannot)
}

fn parse(text: &str) -> anyhow::Result<[u8; 32]> {
    let digits: Option<Vec<u8>> =
        text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    let key = digits.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    key.context("expected 64 hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_development_and_asked_for_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let ids = kit::Ids::random();
        let mut config = Config { profile: Profile::Development, data: folder.path().into(), ..Config::default() };
        let first = master_key(&config, &ids).unwrap();
        assert_eq!(master_key(&config, &ids).unwrap(), first);
        config.data = folder.path().join("other");
        config.profile = Profile::Production;
        assert!(master_key(&config, &ids).unwrap_err().to_string().contains("openssl rand"));
        config.master_key = Some("xyz".into());
        assert!(format!("{:#}", master_key(&config, &ids).unwrap_err()).contains("64 hexadecimal digits"));
    }
}
