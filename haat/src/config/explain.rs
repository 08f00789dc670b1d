//! `haat config`: every key, its value, where it came from, what it is for.

use std::fmt::Write as _;

use figment::value::Value;
use serde_json::Value as Json;

use super::{Flags, figment, load, telemetry};

/// Key, what it is for, and whether its value is hidden.
const KEYS: &[(&str, &str, bool)] = &[
    ("profile", "development, staging or production; development has known passwords and the sandbox", false),
    ("listen", "address of the public listener", false),
    ("internal_listen", "address on which other processes of haat call this one; none: nowhere", false),
    ("data", "directory of the embedded database and of generated keys", false),
    ("database.url", "postgres://user:password@host/database; none: one SQLite file in the data directory", true),
    ("database.connections", "connections of this process to PostgreSQL, 1 to 1000", false),
    ("public_url", "address under which people reach haat, for links; none: http://<listen>", false),
    ("master_key", "64 hexadecimal digits from which all keys are derived", true),
    ("master_key_file", "a file that holds the master key", false),
    ("trusted_proxies", "networks of proxies whose word on a client's address is taken", false),
    ("log.format", "text or json", false),
    ("log.filter", "what is logged: info, or warn,orders=debug", false),
    ("telemetry.otlp_endpoint", "where traces are sent by OTLP (HTTP, protobuf), such as http://127.0.0.1:4318; none: nowhere", false),
    ("telemetry.otlp_headers", "sent with them, such as api-key=…,tenant=…", true),
    ("telemetry.otlp_timeout_ms", "how long the collector may take to answer, 100 to 60000", false),
    ("telemetry.service_name", "what traces call this process", false),
    ("telemetry.resource_attributes", "what they say of it besides, such as deployment.environment.name=staging", false),
    ("telemetry.sampler", "which traces are recorded: always_on, always_off, traceidratio, or parentbased_ and one of them", false),
    ("telemetry.sample_ratio", "with traceidratio: so many, from 0 to 1", false),
    ("remotes", "services that run elsewhere: name = \"http://host:port\"", false),
    ("services", "a section per service, such as [services.orders]", false),
];

/// The whole configuration as text.
pub fn explain(flags: &Flags) -> anyhow::Result<String> {
    load(flags)?;
    let figment = figment(flags)?;
    let mut out = String::new();
    for (key, meaning, secret) in KEYS {
        let value = figment.find_value(key).ok().filter(|v| !matches!(v, Value::Empty(..)));
        let shown = match &value {
            None => "none".to_owned(),
            Some(_) if *secret => "(hidden)".to_owned(),
            Some(v) => without_secrets(serde_json::to_value(v)?).to_string(),
        };
        let source = figment.find_metadata(key).map_or("default".to_owned(), |m| match (&m.source, m.name.as_ref()) {
            (Some(source), _) if source.file_path().is_some() => source.to_string(),
            (_, telemetry::STANDARD) => telemetry::variable_of(key).map_or(String::new(), |v| format!("environment, {v}")),
            (_, name) if name.contains("environment") => format!("environment, HAAT_{}", key.to_uppercase().replace('.', "__")),
            (_, name) if name.contains("Config") => "default".into(),
            _ => "command line".into(),
        });
        writeln!(out, "{key} = {shown}\n    {meaning}\n    from: {source}")?;
    }
    Ok(out)
}

/// How the names of members end that hold secrets, in the sections of services.
const SECRET_ENDINGS: [&str; 4] = ["password", "secret", "token", "_key"];

/// The value with its secrets hidden, however deep they lie.
fn without_secrets(value: Json) -> Json {
    match value {
        Json::Object(members) => {
            let shown = |(name, inner): (String, Json)| {
                let is_secret = SECRET_ENDINGS.iter().any(|end| name.ends_with(end)) && !inner.is_object();
                let inner = if is_secret { "(hidden)".into() } else { without_secrets(inner) };
                (name, inner)
            };
            members.into_iter().map(shown).collect()
        }
        Json::Array(items) => items.into_iter().map(without_secrets).collect(),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_sources_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("haat.toml");
        std::fs::write(&file, format!("master_key = '{}'\n[database]\nconnections = 7", "ab".repeat(32))).unwrap();
        let text = explain(&Flags { file: Some(file), data: Some("elsewhere".into()), ..Flags::default() }).unwrap();
        assert!(!text.contains("abab"), "{text}");
        assert!(text.contains("master_key = (hidden)") && text.contains("database.connections = 7"), "{text}");
        assert!(text.contains("haat.toml") && text.contains("from: command line") && text.contains("from: default"), "{text}");
    }

    #[test]
    fn secrets_of_services_are_hidden_too() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("haat.toml");
        let text = "[services.notifications.smtp]\nhost = 'mail.test'\npassword = 'hush'\n[services.identity.password]\npasses = 3\n\
            [services.sandbox]\nwebhook_secret = 'hush'";
        std::fs::write(&file, text).unwrap();
        let text = explain(&Flags { file: Some(file), ..Flags::default() }).unwrap();
        assert!(!text.contains("hush") && text.contains("mail.test") && text.contains("\"passes\":3"), "{text}");
    }

    #[test]
    fn every_key_is_explained() {
        let shape = serde_json::to_value(super::super::Config::default()).unwrap();
        for (name, value) in shape.as_object().unwrap() {
            let inner = value.as_object().filter(|o| !o.is_empty());
            let names = inner.map_or(vec![name.clone()], |o| o.keys().map(|k| format!("{name}.{k}")).collect());
            for name in names {
                assert!(KEYS.iter().any(|(key, _, _)| *key == name), "{name} is not explained");
            }
        }
    }
}
