use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde_json::{Map, Value as Json};

use super::keys::{Explained, KEYS, declared, shown};
use super::master_key::{MasterKey, parse_key};
use super::sources::{Found, quoted};
use super::{ConfigError, Mistake, Network, Source, Sources};
use crate::telemetry::{LogFormat, check_filter};

/// For what the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// On one's own machine: known passwords, sandbox, `/dev`.
    Development,
    /// As production, with other limits.
    Staging,
    /// For people.
    Production,
}

/// Which database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// This file.
    Sqlite(PathBuf),
    /// This server, as `postgres://…`.
    Postgres(String),
}

/// The configuration, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// For what the process runs.
    pub profile: Profile,
    /// Where clients come in.
    pub listen: SocketAddr,
    /// Where services of other processes come in.
    pub internal_listen: Option<SocketAddr>,
    /// The folder for everything that is kept.
    pub data_dir: PathBuf,
    /// Which database.
    pub database: DatabaseUrl,
    /// Connections to it, where it has any.
    pub database_connections: usize,
    /// The address under which people reach haat, without a slash at the end.
    pub public_url: String,
    /// The proxies whose word on a client's address is taken.
    pub trusted_proxies: Vec<Network>,
    /// How a log line looks.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_filter: String,
    /// Where services run that do not run here.
    pub remotes: BTreeMap<String, String>,
    /// A section per service.
    pub services: Json,
    pub(super) master_key: MasterKey,
    explained: Vec<Explained>,
}

impl Settings {
    /// Reads and checks everything; opens nothing but the file.
    pub fn load(sources: &Sources) -> Result<Settings, ConfigError> {
        let found = sources.read()?;
        let mut check = Check { found: &found, mistakes: Vec::new() };
        let settings = check.settings();
        match settings {
            Some(settings) if check.mistakes.is_empty() => Ok(settings),
            _ => Err(ConfigError(check.mistakes)),
        }
    }

    /// Every key with its value, where that comes from, and what it means.
    pub fn explain(&self) -> &[Explained] {
        &self.explained
    }

    /// Whether known passwords, sandbox and `/dev` are on.
    pub fn is_development(&self) -> bool {
        self.profile == Profile::Development
    }
}

/// Takes values out of what was found, and collects mistakes.
struct Check<'f> {
    found: &'f Found,
    mistakes: Vec<Mistake>,
}

impl Check<'_> {
    fn settings(&mut self) -> Option<Settings> {
        let profile = self.take("profile", "development, staging or production", profile).unwrap_or(Some(Profile::Production));
        let listen = self.take("listen", "an address such as 127.0.0.1:8080", address);
        let listen = listen.unwrap_or(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))));
        let internal = self.take("internal_listen", "an address such as 127.0.0.1:8081, or nothing", |t| match t {
            "" => Some(None),
            text => address(text).map(Some),
        });
        let data_dir = self.take("data_dir", "a folder", |t| (!t.is_empty()).then(|| PathBuf::from(t)));
        let data_dir = data_dir.unwrap_or_else(|| Some("haat-data".into()))?;
        let database = self.take("database.url", "sqlite, sqlite:PATH or postgres://…", |t| database(t, &data_dir));
        let connections = self.take("database.connections", "a number from 2 to 1000", |t| number(t, 2..=1_000));
        let public_url = self.take("public_url", "an address such as https://shop.example, without a path", public_url);
        let proxies = self.take("trusted_proxies", "addresses or networks such as 10.0.0.0/8, with commas between", networks);
        let log_format = self.take("log.format", "json or pretty", |t| t.parse().ok());
        let log_filter = self.take("log.filter", "levels such as info,kit::db=debug", |t| check_filter(t).ok().map(|()| t.to_owned()));
        let master_key = self.master_key();
        let remotes = self.remotes();
        let (profile, listen) = (profile?, listen?);
        self.check_exposure(profile, listen);
        let development = profile == Profile::Development;
        let mut settings = Settings {
            profile,
            listen,
            internal_listen: internal.unwrap_or(Some(None))?,
            database: database.unwrap_or_else(|| Some(DatabaseUrl::Sqlite(data_dir.join("haat.db"))))?,
            data_dir,
            database_connections: connections.unwrap_or(Some(32))?,
            public_url: public_url.unwrap_or_else(|| Some(reachable(listen)))?,
            trusted_proxies: proxies.unwrap_or_default().unwrap_or_default(),
            log_format: log_format.unwrap_or(Some(if development { LogFormat::Pretty } else { LogFormat::Json }))?,
            log_filter: log_filter.unwrap_or_else(|| Some("info".into()))?,
            remotes,
            services: self.sections(),
            master_key: master_key?,
            explained: Vec::new(),
        };
        settings.explained = self.explained(&settings);
        Some(settings)
    }

    /// `None` where it is not given, `Some(None)` where it is wrong; then there is a mistake.
    fn take<T>(&mut self, key: &str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
        let (value, _) = self.found.get(key)?;
        let text = match value {
            Json::String(text) => text.clone(),
            Json::Array(items) => items.iter().map(|i| i.as_str().unwrap_or("?")).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        };
        let parsed = parse(text.trim());
        if parsed.is_none() {
            self.mistake(key, quoted(&shown(key, value)), expected);
        }
        Some(parsed)
    }

    fn mistake(&mut self, key: &str, found: String, expected: &str) {
        let source = self.found.get(key).map_or(Source::Default, |(_, source)| source.clone()).to_string();
        self.mistakes.push(Mistake { key: key.to_owned(), source, found, expected: expected.to_owned() });
    }

    fn master_key(&mut self) -> Option<MasterKey> {
        let key = self.take("master_key", "64 hexadecimal digits; `openssl rand -hex 32` makes some", |t| match t {
            "" => Some(None),
            text => parse_key(text).map(Some),
        });
        let file = self.take("master_key_file", "a file", |t| Some(Some(t).filter(|t| !t.is_empty()).map(PathBuf::from)));
        match (key.unwrap_or(Some(None))?, file.unwrap_or(Some(None))?) {
            (Some(_), Some(_)) => {
                self.mistake("master_key_file", "both a key and a file".into(), "only one of master_key and master_key_file");
                None
            }
            (Some(key), None) => Some(MasterKey::Given(key)),
            (None, Some(path)) => Some(MasterKey::File(path)),
            (None, None) => Some(MasterKey::Absent),
        }
    }

    fn remotes(&mut self) -> BTreeMap<String, String> {
        let keys: Vec<String> = self.found.keys().filter(|k| k.starts_with("remotes.")).cloned().collect();
        let mut remotes = BTreeMap::new();
        for key in keys {
            if let Some(Some(address)) = self.take(&key, "an address such as http://10.0.0.7:8081", remote) {
                remotes.insert(key["remotes.".len()..].to_owned(), address);
            }
        }
        remotes
    }

    /// The sections of services as one object; what came as text from a variable is a number or so where it reads as one.
    fn sections(&self) -> Json {
        let mut sections = Json::Object(Map::new());
        for (key, (value, source)) in self.found.iter().filter(|(key, _)| key.starts_with("services.")) {
            let mut place = &mut sections;
            for name in key.split('.').skip(1) {
                if !place.is_object() {
                    *place = Json::Object(Map::new());
                }
                place = &mut place[name];
            }
            let text = value.as_str().filter(|_| !matches!(source, Source::File(_)));
            *place = text.and_then(|t| serde_json::from_str(t).ok()).unwrap_or_else(|| value.clone());
        }
        sections
    }

    /// Known passwords are not for strangers.
    fn check_exposure(&mut self, profile: Profile, listen: SocketAddr) {
        let exposed = self.take("expose_demo", "true or false", |t| t.parse::<bool>().ok());
        let is_open = profile == Profile::Development && !listen.ip().is_loopback();
        if is_open && !exposed.flatten().unwrap_or(false) {
            let expected = "a loopback address: development has known passwords; expose_demo = true opens it all the same";
            self.mistake("listen", quoted(&listen.to_string()), expected);
        }
    }

    fn explained(&self, settings: &Settings) -> Vec<Explained> {
        let derived = |key: &str| match key {
            "public_url" => settings.public_url.clone(),
            "log.format" => settings.log_format.to_string(),
            _ => KEYS.iter().find(|k| k.name == key).map(|k| k.default.to_owned()).unwrap_or_default(),
        };
        let mut lines = Vec::new();
        for key in KEYS {
            let mut matching = self.found.iter().filter(|(name, _)| declared(name) == Some(key)).peekable();
            if matching.peek().is_none() && !key.name.contains('*') {
                let (value, source) = (derived(key.name), Source::Default.to_string());
                lines.push(Explained { key: key.name.to_owned(), value, source, meaning: key.meaning });
            }
            lines.extend(matching.map(|(name, (value, source))| Explained {
                key: name.clone(),
                value: shown(name, value),
                source: source.to_string(),
                meaning: key.meaning,
            }));
        }
        lines
    }
}

fn profile(text: &str) -> Option<Profile> {
    match text {
        "development" => Some(Profile::Development),
        "staging" => Some(Profile::Staging),
        "production" => Some(Profile::Production),
        _ => None,
    }
}

fn address(text: &str) -> Option<SocketAddr> {
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>().ok();
    port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).or_else(|| text.parse().ok())
}

fn database(text: &str, data_dir: &std::path::Path) -> Option<DatabaseUrl> {
    if text == "sqlite" {
        return Some(DatabaseUrl::Sqlite(data_dir.join("haat.db")));
    }
    if let Some(path) = text.strip_prefix("sqlite:").filter(|p| !p.is_empty()) {
        return Some(DatabaseUrl::Sqlite(path.into()));
    }
    let is_server = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    is_server.then(|| DatabaseUrl::Postgres(text.to_owned()))
}

fn number(text: &str, range: std::ops::RangeInclusive<usize>) -> Option<usize> {
    text.parse().ok().filter(|n| range.contains(n))
}

fn public_url(text: &str) -> Option<String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let uri: http::Uri = text.parse().ok()?;
    let is_origin = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|h| !h.is_empty());
    (is_origin && uri.path_and_query().is_none_or(|p| p.as_str() == "/")).then(|| text.to_owned())
}

fn remote(text: &str) -> Option<String> {
    public_url(text).filter(|url| url.starts_with("http://"))
}

fn networks(text: &str) -> Option<Vec<Network>> {
    text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(|t| t.parse().ok()).collect()
}

/// How people on this machine reach it.
fn reachable(listen: SocketAddr) -> String {
    match listen.ip().is_unspecified() {
        true => format!("http://localhost:{}", listen.port()),
        false => format!("http://{listen}"),
    }
}

#[cfg(test)]
mod tests;
