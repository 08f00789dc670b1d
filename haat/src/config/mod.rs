//! The configuration: defaults, then `haat.toml`, then `HAAT_…` from the environment, then flags. It is read whole and
//! checked before anything opens; a key that does not exist is refused by name.

mod explain;
mod secrets;
mod telemetry;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

pub use explain::explain;
pub use secrets::{given_key, key_file, master_key};
pub use telemetry::Telemetry;

/// Everything that can be configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What it is for.
    pub profile: Profile,
    /// Where the public listener is.
    pub listen: SocketAddr,
    /// Where other processes of haat call; none: nowhere.
    #[serde(default)]
    pub internal_listen: Option<SocketAddr>,
    /// Where the embedded database and generated keys lie.
    pub data: PathBuf,
    /// Where rows lie.
    pub database: Database,
    /// Under which address people reach it.
    #[serde(default)]
    pub public_url: Option<String>,
    /// From which all keys are derived: 64 hexadecimal digits.
    #[serde(default)]
    pub master_key: Option<String>,
    /// A file that holds the master key.
    #[serde(default)]
    pub master_key_file: Option<PathBuf>,
    /// Proxies whose word on a client's address is taken.
    pub trusted_proxies: Vec<String>,
    /// What is logged, and how.
    pub log: Log,
    /// Where traces go.
    pub telemetry: Telemetry,
    /// Services that run elsewhere: name to `http://host:port` of that process's internal listener.
    pub remotes: BTreeMap<String, String>,
    /// A section for each service, by name.
    pub services: BTreeMap<String, serde_json::Value>,
}

/// What the process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Known passwords, the sandbox and `/dev` pages; loopback only.
    Development,
    /// As production, with room to try things.
    Staging,
    /// For real.
    Production,
}

/// Where rows lie.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://…`; none: one SQLite file in the data directory.
    #[serde(default)]
    pub url: Option<String>,
    /// Connections of this process, over all its services (PostgreSQL).
    pub connections: usize,
}

/// What is logged, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `text` or `json`.
    pub format: LogFormat,
    /// As `tracing` filters are written: `info`, `warn,orders=debug`.
    pub filter: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// What the command line says; it wins over everything else.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`
    pub file: Option<PathBuf>,
    /// `--profile`
    pub profile: Option<Profile>,
    /// What the command is for, where nothing says a profile; production where it is for nothing special.
    pub usual_profile: Option<Profile>,
    /// `--listen`
    pub listen: Option<SocketAddr>,
    /// `--data`
    pub data: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            profile: Profile::Production,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            internal_listen: None,
            data: "haat-data".into(),
            database: Database { url: None, connections: 16 },
            public_url: None,
            master_key: None,
            master_key_file: None,
            trusted_proxies: Vec::new(),
            log: Log { format: LogFormat::Json, filter: "info".into() },
            telemetry: Telemetry::default(),
            remotes: BTreeMap::new(),
            services: BTreeMap::new(),
        }
    }
}

/// Variables with the prefix that are no configuration keys.
const OTHER_VARIABLES: [&str; 4] = ["ADMIN_PASSWORD", "CRASH_AT", "BIN", "UPDATE"];

/// All sources, the later ones winning.
fn figment(flags: &Flags) -> anyhow::Result<Figment> {
    let file = flags.file.clone().unwrap_or_else(|| "haat.toml".into());
    if flags.file.is_some() && !file.exists() {
        bail!("there is no configuration file {}", file.display());
    }
    let usual = flags.profile.or(flags.usual_profile).unwrap_or(Profile::Production);
    let defaults = Config {
        profile: usual,
        log: Log {
            format: if usual == Profile::Development { LogFormat::Text } else { LogFormat::Json },
            filter: if usual == Profile::Development { "warn".into() } else { "info".into() },
        },
        ..Config::default()
    };
    let mut all = Figment::from(Serialized::defaults(defaults)).merge(Toml::file(file));
    all = all.merge(telemetry::StandardVariables::of_the_environment()?);
    all = all.merge(Env::prefixed("HAAT_").ignore(&OTHER_VARIABLES).split("__"));
    if let Some(profile) = flags.profile {
        all = all.merge(("profile", profile));
    }
    if let Some(listen) = flags.listen {
        all = all.merge(("listen", listen));
    }
    if let Some(data) = &flags.data {
        all = all.merge(("data", data));
    }
    Ok(all)
}

/// Reads and checks everything.
pub fn load(flags: &Flags) -> anyhow::Result<Config> {
    let config: Config = figment(flags)?.extract().map_err(|e| anyhow::anyhow!("configuration: {e}"))?;
    check(&config)?;
    Ok(config)
}

fn check(config: &Config) -> anyhow::Result<()> {
    if config.profile == Profile::Development && !config.listen.ip().is_loopback() {
        bail!("listen: the development profile has known passwords and listens on loopback only, found {}; use 127.0.0.1", config.listen);
    }
    if let Some(url) = &config.database.url
        && !url.starts_with("postgres://")
        && !url.starts_with("postgresql://")
    {
        bail!("database.url: expected postgres://user:password@host/database, or nothing for SQLite");
    }
    if !(1..=1_000).contains(&config.database.connections) {
        bail!("database.connections: expected 1 to 1000, found {}", config.database.connections);
    }
    if let Some(url) = &config.public_url
        && (!(url.starts_with("http://") || url.starts_with("https://")) || url.ends_with('/'))
    {
        bail!("public_url: expected http://host or https://host without a slash at the end, found {url:?}");
    }
    config.telemetry.check()?;
    if config.master_key.is_some() && config.master_key_file.is_some() {
        bail!("master_key and master_key_file: give one of them");
    }
    Ok(())
}

impl Config {
    /// The address under which people reach it, without a slash at the end.
    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// The embedded database's file.
    pub fn sqlite_file(&self) -> PathBuf {
        self.data.join("haat.db")
    }

    /// Refuses a data directory without a database, for what does not begin one.
    pub fn require_database(&self) -> anyhow::Result<()> {
        let file = self.sqlite_file();
        if self.database.url.is_none() && !file.exists() {
            bail!("there is no database {}; name the data directory with --data", file.display());
        }
        Ok(())
    }

    /// Makes the data directory where it is missing, for its owner only.
    pub fn make_data_directory(&self) -> anyhow::Result<&Path> {
        make_private_directory(&self.data).with_context(|| format!("data: cannot make the directory {}", self.data.display()))?;
        Ok(&self.data)
    }
}

/// Makes a directory where it is missing, with those above it; others than its owner may not look into those that are made.
pub fn make_private_directory(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str) -> anyhow::Result<Config> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("haat.toml");
        std::fs::write(&file, text)?;
        load(&Flags { file: Some(file), ..Flags::default() })
    }

    #[test]
    fn a_mistake_names_the_key_and_what_is_allowed() {
        let cases = [
            ("lisen = 'x'", "lisen"),
            ("listen = 'x'", "listen"),
            ("profile = 'test'", "development"),
            ("[telemetry]\notlp_endpoint = 'localhost:4318'", "telemetry.otlp_endpoint"),
            ("[telemetry]\nsampler = 'often'", "parentbased_traceidratio"),
            ("[telemetry]\nsample_ratio = 2.0", "telemetry.sample_ratio"),
            ("[telemetry]\notlp_headers = 'key'", "telemetry.otlp_headers"),
            ("[database]\nconnections = 0", "database.connections"),
            ("[database]\nurl = 'mysql://x'", "database.url"),
            ("public_url = 'haat.test/'", "public_url"),
            ("profile = 'development'\nlisten = '0.0.0.0:80'", "loopback"),
        ];
        for (text, expected) in cases {
            let error = format!("{:#}", with_file(text).unwrap_err());
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn flags_win_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("haat.toml");
        std::fs::write(&file, "profile = 'staging'\nlisten = '127.0.0.1:1'\ndata = 'a'").unwrap();
        let flags = Flags { file: Some(file), listen: Some("127.0.0.1:2".parse().unwrap()), ..Flags::default() };
        let config = load(&flags).unwrap();
        assert_eq!((config.listen.port(), config.data), (2, PathBuf::from("a")));
        let profile = |flags: Flags| load(&flags).unwrap().profile;
        let (given, usual) = (Some(Profile::Production), Some(Profile::Development));
        assert_eq!(profile(Flags { profile: given, usual_profile: usual, ..flags.clone() }), Profile::Production);
        assert_eq!(profile(Flags { usual_profile: usual, ..flags }), Profile::Staging, "what a command is for is no flag");
    }
}
