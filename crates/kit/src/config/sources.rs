use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::keys::{allowed_beside, declared, shown};
use super::{ConfigError, Mistake};

/// Variables that begin like ours and are none: those that Kubernetes makes for a service called `haat`, and those of
/// tests.
const FOREIGN: [&str; 3] = ["HAAT_SERVICE_", "HAAT_PORT", "HAAT_TEST_"];
/// Variables that other parts of the program read.
const ELSEWHERE: [&str; 4] = ["HAAT_BIN", "HAAT_CONFIG", "HAAT_CRASH_AT", "HAAT_UPDATE"];

/// Where configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file; `None` where there is none.
    pub file: Option<PathBuf>,
    /// The variables of the process; those that do not begin with `HAAT_` are not looked at.
    pub environment: Vec<(String, String)>,
    /// Keys given on the command line, as in the file, with the flag's name.
    pub flags: Vec<(&'static str, String, &'static str)>,
    /// Further variables with `HAAT_` that are not configuration.
    pub ignored: &'static [&'static str],
}

/// Where a value was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nowhere.
    Default,
    /// In this file.
    File(PathBuf),
    /// In this variable.
    Variable(String),
    /// In this flag.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Variable(name) => f.write_str(name),
            Source::Flag(name) => f.write_str(name),
        }
    }
}

/// What was found, by key.
pub(super) type Found = BTreeMap<String, (Json, Source)>;

impl Sources {
    /// Reads everything; a key that nobody knows is a mistake.
    pub(super) fn read(&self) -> Result<Found, ConfigError> {
        let mut found = Found::new();
        if let Some(path) = &self.file {
            flatten("", &read_file(path)?, &Source::File(path.clone()), &mut found);
        }
        for (name, value) in &self.environment {
            if let Some(key) = self.key_of(name) {
                found.insert(key, (Json::from(value.as_str()), Source::Variable(name.clone())));
            }
        }
        for (key, value, flag) in &self.flags {
            found.insert((*key).to_owned(), (Json::from(value.as_str()), Source::Flag(flag)));
        }
        let unknown = found.iter().filter(|(key, _)| declared(key).is_none());
        let mistakes: Vec<Mistake> = unknown.map(|(key, (value, source))| unknown_key(key, value, source)).collect();
        if mistakes.is_empty() { Ok(found) } else { Err(ConfigError(mistakes)) }
    }

    fn key_of(&self, variable: &str) -> Option<String> {
        let key = variable.strip_prefix("HAAT_")?;
        if variable == "HAAT_LOG" {
            return Some("log.filter".to_owned());
        }
        let other =
            FOREIGN.iter().any(|prefix| variable.starts_with(prefix)) || ELSEWHERE.contains(&variable) || self.ignored.contains(&variable);
        (!other).then(|| key.to_ascii_lowercase().replace("__", "."))
    }
}

fn read_file(path: &Path) -> Result<Json, ConfigError> {
    let wrong = |found: String| {
        let expected = "a TOML file of keys that `haat config` lists".to_owned();
        ConfigError(vec![Mistake { key: "the file".into(), source: path.display().to_string(), found, expected }])
    };
    let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    toml::from_str(&text).map_err(|e: toml::de::Error| wrong(e.to_string().trim_end().to_owned()))
}

/// Tables become keys with dots; everything else is a value.
fn flatten(prefix: &str, value: &Json, source: &Source, found: &mut Found) {
    match value {
        Json::Object(members) if !(members.is_empty() && declared(prefix).is_some()) => {
            for (name, member) in members {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&key, member, source, found);
            }
        }
        value => drop(found.insert(prefix.to_owned(), (value.clone(), source.clone()))),
    }
}

fn unknown_key(key: &str, value: &Json, source: &Source) -> Mistake {
    let found = format!("an unknown key with {}", quoted(&shown(key, value)));
    Mistake { key: key.to_owned(), source: source.to_string(), found, expected: allowed_beside(key) }
}

pub(super) fn quoted(text: &str) -> String {
    format!("{text:?}")
}
