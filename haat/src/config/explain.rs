//! `haat config`: every key, its value, where it came from, what it is for.

use figment::value::Value;
use figment::{Figment, Metadata};
use kit::Platform;
use serde_json::Value as Json;

use super::{Config, Flags, figment, load, telemetry};
use crate::platform::SERVICES;

/// Key, what it is for, and whether its value is hidden. Those of services are read off the services.
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
];

/// The whole configuration as text. What the start refuses is refused here too.
pub fn explain(flags: &Flags) -> anyhow::Result<String> {
    Platform::check_config(SERVICES, &serde_json::to_value(&load(flags)?.services)?)?;
    let figment = figment(flags)?;
    let defaults = serde_json::to_value(Config::default())?;
    let mut text = String::new();
    for (key, meaning, is_secret) in KEYS {
        let default = defaults.pointer(&format!("/{}", key.replace('.', "/"))).cloned().unwrap_or_default();
        text += &explained(&figment, key, meaning, default, *is_secret)?;
    }
    for service in SERVICES {
        for key in (service.keys)() {
            let name = format!("services.{}.{}", service.name, key.name);
            text += &explained(&figment, &name, &key.meaning, key.default, is_secret(&name))?;
        }
    }
    Ok(text)
}

/// A key with all that is to be said of it. What the defaults do not set stands in no source.
fn explained(figment: &Figment, key: &str, meaning: &str, default: Json, is_secret: bool) -> anyhow::Result<String> {
    let shown = |value: Json| match value {
        Json::Null => "none".to_owned(),
        _ if is_secret => "(hidden)".to_owned(),
        value => without_secrets(value).to_string(),
    };
    let found = figment.find_value(key).ok().filter(|v| !matches!(v, Value::Empty(..)));
    let value = found.map(serde_json::to_value).transpose()?.unwrap_or_else(|| default.clone());
    let from = match figment.find_metadata(key).and_then(|metadata| source(metadata, key)) {
        Some(source) => format!("{source}; by default {}", shown(default)),
        None => "default".to_owned(),
    };
    Ok(format!("{key} = {}\n    {meaning}\n    from: {from}\n", shown(value)))
}

/// Where a value came from; `None` for the defaults.
fn source(metadata: &Metadata, key: &str) -> Option<String> {
    match (&metadata.source, metadata.name.as_ref()) {
        (Some(source), _) if source.file_path().is_some() => Some(source.to_string()),
        (_, telemetry::STANDARD) => Some(telemetry::variable_of(key).map_or(String::new(), |v| format!("environment, {v}"))),
        (_, name) if name.contains("environment") => Some(format!("environment, HAAT_{}", key.to_uppercase().replace('.', "__"))),
        (_, name) if name.contains("Config") => None,
        _ => Some("command line".into()),
    }
}

/// How the names of members end that hold secrets, in the sections of services.
const SECRET_ENDINGS: [&str; 4] = ["password", "secret", "token", "_key"];

fn is_secret(name: &str) -> bool {
    SECRET_ENDINGS.iter().any(|end| name.ends_with(end))
}

/// The value with its secrets hidden, however deep they lie.
fn without_secrets(value: Json) -> Json {
    match value {
        Json::Object(members) => {
            let shown = |(name, inner): (String, Json)| {
                let inner = if is_secret(&name) && !inner.is_object() { "(hidden)".into() } else { without_secrets(inner) };
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

    fn explained_with(text: &str) -> anyhow::Result<String> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("haat.toml");
        std::fs::write(&file, text)?;
        explain(&Flags { file: Some(file), data: Some("elsewhere".into()), ..Flags::default() })
    }

    #[test]
    fn secrets_are_hidden_and_sources_named() {
        let text = explained_with(&format!("master_key = '{}'\n[database]\nconnections = 7", "ab".repeat(32))).unwrap();
        assert!(!text.contains("abab"), "{text}");
        assert!(text.contains("master_key = (hidden)") && text.contains("database.connections = 7"), "{text}");
        assert!(
            text.contains("haat.toml; by default 16") && text.contains("from: command line") && text.contains("from: default"),
            "{text}"
        );
    }

    #[test]
    fn secrets_of_services_are_hidden_too() {
        let text = "[services.notifications.smtp]\nhost = 'mail.test'\nfrom = 'haat <a@mail.test>'\nusername = 'u'\npassword = 'hush'\n\
            [services.identity.password]\npasses = 3\n[services.sandbox]\nwebhook_secret = 'hush'";
        let text = explained_with(text).unwrap();
        assert!(!text.contains("hush") && text.contains("services.notifications.smtp.host = \"mail.test\""), "{text}");
        assert!(text.contains("services.notifications.smtp.password = (hidden)"), "{text}");
        assert!(text.contains("services.sandbox.webhook_secret = (hidden)"), "{text}");
        assert!(text.contains("services.identity.password.passes = 3"), "{text}");
    }

    #[test]
    fn every_key_is_explained() {
        let shape = serde_json::to_value(Config::default()).unwrap();
        for (name, value) in shape.as_object().unwrap().iter().filter(|(name, _)| *name != "services") {
            let inner = value.as_object().filter(|o| !o.is_empty());
            let names = inner.map_or(vec![name.clone()], |o| o.keys().map(|k| format!("{name}.{k}")).collect());
            for name in names {
                assert!(KEYS.iter().any(|(key, _, _)| *key == name), "{name} is not explained");
            }
        }
    }

    #[test]
    fn keys_of_services_are_explained_with_their_defaults_and_sources() {
        let text = explained_with("[services.orders]\nquote_seconds = 60\n[services.orders.tax]\nincluded = false").unwrap();
        for expected in [
            "services.orders.quote_seconds = 60\n    How long the prices of a quote hold, in seconds.\n    from: ",
            "services.orders.payment_deadline_seconds = 900\n    How long the payer has, in seconds.\n    from: default\n",
            "services.orders.tax.included = false\n",
            "services.payments.sandbox_webhook_secret = none\n",
            "services.notifications.smtp.security = \"starttls\"\n",
            "services.gateway.limits.payments_per_minute = 20\n",
        ] {
            assert!(text.contains(expected), "{expected} is missing in {text}");
        }
        assert!(text.contains("haat.toml; by default 900\n"), "{text}");
    }

    /// A section that holds one key.
    fn section(name: &str, value: Json) -> Json {
        name.rsplit('.').fold(value, |inner, member| serde_json::json!({ member: inner }))
    }

    #[test]
    fn services_take_the_keys_that_they_list_and_no_others() {
        for service in SERVICES {
            for key in (service.keys)() {
                assert!(!key.meaning.is_empty(), "services.{}.{} is not explained", service.name, key.name);
                // What lies in a section that may be left out can be wanted with others only.
                if !key.default.is_null() && !key.name.starts_with("smtp.") {
                    let section = section(&key.name, key.default.clone());
                    assert_eq!((service.check_config)(&section), Ok(()), "{section}");
                }
            }
            let error = explained_with(&format!("[services.{}]\nnonsense = 1", service.name)).unwrap_err().to_string();
            assert!(error.contains(service.name) && error.contains("`nonsense`"), "{error}");
        }
        assert!(explained_with("[services.ordrs]\nnonsense = 1").unwrap_err().to_string().contains("ordrs"));
    }
}
