use serde_json::Value as Json;

/// A key of the configuration, as it is written in `haat.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// With dots; `*` stands for a name.
    pub name: &'static str,
    /// What it is for.
    pub meaning: &'static str,
    /// Where it is not given.
    pub default: &'static str,
}

/// Every key there is.
pub const KEYS: &[Key] = &[
    key("profile", "production", "development, staging or production; known passwords, /dev and /sandbox are for development only"),
    key("listen", "127.0.0.1:8080", "where clients come in; a bare port is on loopback"),
    key("expose_demo", "false", "lets the development profile listen beyond loopback"),
    key("internal_listen", "", "where services of other processes come in; a bare port is on loopback, empty is nowhere"),
    key("data_dir", "haat-data", "the folder for everything that is kept"),
    key("database.url", "sqlite", "sqlite (haat.db in data_dir), sqlite:PATH or postgres://…"),
    key("database.connections", "32", "connections to PostgreSQL, for all services of this process together"),
    key("public_url", "http://<listen>", "the address under which people reach haat, as it stands in tokens, pages and mails"),
    key("master_key", "", "64 hexadecimal digits, from which all keys are derived; in development made and kept in data_dir"),
    key("master_key_file", "", "a file that holds the master key"),
    key("trusted_proxies", "", "addresses and networks of the proxies whose X-Forwarded-For is believed, with commas"),
    key("log.format", "json, in development pretty", "json or pretty"),
    key("log.filter", "info", "what is logged, such as info,kit::db=debug; also HAAT_LOG"),
    key("remotes.*", "", "http://host:port of a service that runs in another process"),
    key("services.*.*", "", "a service's own section"),
];

const fn key(name: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key { name, meaning, default }
}

/// A key with its value, as `haat config` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// With dots.
    pub key: String,
    /// Secrets are hidden.
    pub value: String,
    /// `default`, a file, a variable or a flag.
    pub source: String,
    /// What it is for.
    pub meaning: &'static str,
}

/// The declaration of a key that was found, if it has one. Sections of services may be deeper than two names.
pub(super) fn declared(name: &str) -> Option<&'static Key> {
    let parts: Vec<&str> = name.split('.').collect();
    KEYS.iter().find(|key| {
        let pattern: Vec<&str> = key.name.split('.').collect();
        let long_enough = parts.len() == pattern.len() || (pattern[0] == "services" && parts.len() > pattern.len());
        long_enough && pattern.iter().zip(&parts).all(|(p, part)| *p == "*" || p == part)
    })
}

/// The keys that could stand where an unknown one was found.
pub(super) fn allowed_beside(name: &str) -> String {
    let prefix = name.rsplit_once('.').map_or("", |(prefix, _)| prefix);
    let beside = |key: &&Key| key.name.rsplit_once('.').map_or("", |(p, _)| p) == prefix;
    let names: Vec<&str> = KEYS.iter().filter(beside).map(|k| k.name).collect();
    let names = if names.is_empty() { KEYS.iter().map(|k| k.name).collect() } else { names };
    format!("one of {}", names.join(", "))
}

/// A value as it may be shown.
pub(super) fn shown(name: &str, value: &Json) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let last = name.rsplit('.').next().unwrap_or(name);
    let secret = ["key", "secret", "password", "token"].iter().any(|word| last.split('_').any(|part| part == *word));
    if text.is_empty() {
        text
    } else if secret {
        "(hidden)".to_owned()
    } else {
        without_password(&text)
    }
}

/// An address without what stands between its user and the `@`.
fn without_password(text: &str) -> String {
    let hidden = text.split_once("://").and_then(|(scheme, rest)| {
        let (account, host) = rest.split_once('/').map_or(rest, |(authority, _)| authority).rsplit_once('@')?;
        let (user, _) = account.split_once(':')?;
        let path = &rest[account.len() + 1 + host.len()..];
        Some(format!("{scheme}://{user}:(hidden)@{host}{path}"))
    });
    hidden.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let cases = [
            ("master_key", "abc", "(hidden)"),
            ("master_key", "", ""),
            ("master_key_file", "/run/key", "(hidden)"),
            ("services.payments.webhook_secret", "abc", "(hidden)"),
            ("database.url", "postgres://haat:pa:ss@db:5432/haat?x=1", "postgres://haat:(hidden)@db:5432/haat?x=1"),
            ("database.url", "postgres://haat@db/haat", "postgres://haat@db/haat"),
            ("database.url", "sqlite", "sqlite"),
            ("services.catalog.keyword", "abc", "abc"),
        ];
        for (key, value, expected) in cases {
            assert_eq!(shown(key, &Json::from(value)), expected, "{key}");
        }
    }

    #[test]
    fn keys_are_known_by_their_pattern() {
        for name in ["listen", "database.url", "remotes.orders", "services.payments.rate", "services.payments.rates.card"] {
            assert!(declared(name).is_some(), "{name}");
        }
        for name in ["lisen", "database", "database.url.x", "remotes", "services.payments", "remotes.a.b"] {
            assert!(declared(name).is_none(), "{name}");
        }
        assert!(allowed_beside("database.ur").contains("database.connections"));
    }
}
