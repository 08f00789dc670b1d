use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{ConfigError, DatabaseUrl, Mistake, Settings};
use crate::Ids;
use crate::auth::hex;

const FILE: &str = "master.key";

/// Where the key is, from which all others are derived.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum MasterKey {
    /// In the configuration itself.
    Given([u8; 32]),
    /// In this file.
    File(PathBuf),
    /// Nowhere yet.
    Absent,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MasterKey::Given(_) => f.write_str("Given(hidden)"),
            MasterKey::File(path) => write!(f, "File({})", path.display()),
            MasterKey::Absent => f.write_str("Absent"),
        }
    }
}

impl Settings {
    /// The master key. In development it is made when it is first needed and kept in the data directory, readable by
    /// its owner only; elsewhere it must be given.
    pub fn master_key(&self, ids: &Ids) -> Result<[u8; 32], ConfigError> {
        match &self.master_key {
            MasterKey::Given(key) => Ok(*key),
            MasterKey::File(path) => read(path),
            MasterKey::Absent if self.is_development() => {
                let path = self.data_dir.join(FILE);
                if path.exists() { read(&path) } else { self.make(&path, ids) }
            }
            MasterKey::Absent => {
                let expected =
                    "64 hexadecimal digits in HAAT_MASTER_KEY, or a file with them in master_key_file; `openssl rand -hex 32` makes some";
                Err(wrong("default", "none".into(), expected))
            }
        }
    }

    fn make(&self, path: &Path, ids: &Ids) -> Result<[u8; 32], ConfigError> {
        let failed = |e: std::io::Error| wrong(&path.display().to_string(), e.to_string(), "a data directory that can be written");
        if matches!(&self.database, DatabaseUrl::Sqlite(file) if file.exists()) {
            let expected = "the key that its secrets were sealed with: put the file back, or give master_key";
            return Err(wrong(&path.display().to_string(), "data without its key".into(), expected));
        }
        let key = ids.bytes::<32>();
        fs::create_dir_all(&self.data_dir).map_err(failed)?;
        // Whole under its name or not at all: a half-written key would lose what is sealed with it.
        let draft = self.data_dir.join(format!("{FILE}.new"));
        write_private(&draft, &hex(&key)).and_then(|()| fs::rename(&draft, path)).map_err(failed)?;
        File::open(&self.data_dir).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(key)
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

fn read(path: &Path) -> Result<[u8; 32], ConfigError> {
    let place = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|e| wrong(&place, e.to_string(), "a file with 64 hexadecimal digits"))?;
    parse_key(text.trim()).ok_or_else(|| wrong(&place, "something else".into(), "64 hexadecimal digits"))
}

fn wrong(source: &str, found: String, expected: &str) -> ConfigError {
    ConfigError(vec![Mistake { key: "master_key".into(), source: source.to_owned(), found, expected: expected.to_owned() }])
}

/// 64 hexadecimal digits.
pub(super) fn parse_key(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut key = [0; 32];
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        let high = char::from(digits[0]).to_digit(16)?;
        let low = char::from(digits[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::Sources;

    fn settings(profile: &str, folder: &Path, more: &[(&str, &str)]) -> Settings {
        let data_dir = folder.join("data").display().to_string();
        let mut pairs = vec![("HAAT_PROFILE", profile), ("HAAT_DATA_DIR", &data_dir)];
        pairs.extend(more);
        let environment = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::load(&Sources { environment, ..Sources::default() }).unwrap()
    }

    #[test]
    fn development_makes_a_key_once_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings("development", folder.path(), &[]);
        let key = settings.master_key(&Ids::seeded(1)).unwrap();
        assert_eq!(settings.master_key(&Ids::seeded(2)).unwrap(), key);
        let mode = fs::metadata(folder.path().join("data/master.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn elsewhere_a_key_must_be_given_and_the_error_says_how() {
        let folder = tempfile::tempdir().unwrap();
        let error = settings("production", folder.path(), &[]).master_key(&Ids::seeded(1)).unwrap_err().to_string();
        assert!(error.contains("HAAT_MASTER_KEY") && error.contains("openssl rand -hex 32"), "{error}");
        assert!(!folder.path().join("data").exists());
        let given = settings("production", folder.path(), &[("HAAT_MASTER_KEY", &"0f".repeat(32))]);
        assert_eq!(given.master_key(&Ids::seeded(1)), Ok([15; 32]));
    }

    #[test]
    fn data_without_its_key_is_not_given_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("data/haat.db"), "rows").unwrap();
        let error = settings("development", folder.path(), &[]).master_key(&Ids::seeded(1)).unwrap_err();
        assert!(error.to_string().contains("put the file back"), "{error}");
    }

    #[test]
    fn a_key_is_sixty_four_hexadecimal_digits() {
        assert_eq!(parse_key(&"A0".repeat(32)), Some([160; 32]));
        for text in ["", "a0", &"g0".repeat(32), &"a0".repeat(33), &"é".repeat(32), &" 0".repeat(32)] {
            assert_eq!(parse_key(text), None, "{text}");
        }
    }
}
