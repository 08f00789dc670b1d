//! The service's section of the configuration.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How notifications behave; every field has a default.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether messages also leave by mail; otherwise they are in people's lists only.
    pub mail: bool,
    /// After how many days a message is forgotten.
    pub keep_days: i64,
    /// How often a message is tried until it is given up.
    pub attempts_max: i64,
    /// The server that takes e-mail. Without one, mails stay in the mailbox of the development profile, and are given up
    /// in the others.
    pub smtp: Option<Smtp>,
    /// Outgoing webhooks.
    pub webhooks: Webhooks,
}

/// How events leave for the endpoints of webhooks.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// Whether endpoints of webhooks may be at private, loopback and link-local addresses; in the development profile only.
    pub private_addresses: bool,
    /// A file with a further certificate authority to trust, as PEM.
    pub ca_file: Option<PathBuf>,
    /// After how many days a delivery of a webhook and its attempts are forgotten.
    pub keep_days: i64,
    /// After how many days of nothing but failures an endpoint of a webhook is disabled.
    pub disable_after_days: i64,
}

impl Default for Webhooks {
    fn default() -> Webhooks {
        Webhooks { private_addresses: false, ca_file: None, keep_days: 30, disable_after_days: 5 }
    }
}

/// A server that takes e-mail.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// The name of the server that takes e-mail, as in its certificate. Without one, mails stay in the mailbox of the
    /// development profile, and are given up in the others.
    pub host: String,
    /// Its port; 587 for `starttls`, 465 for `tls`, 25 for `none` where left out.
    pub port: Option<u16>,
    /// How the connection is protected: `starttls`, `tls`, or `none` for a server on the same machine.
    #[serde(default)]
    pub security: Security,
    /// With which account mails are handed over.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// From whom mails come, such as `haat <orders@example.com>`.
    pub from: String,
    /// A file with a further certificate authority to trust, as PEM.
    pub ca_file: Option<PathBuf>,
    /// How long the server may take to answer, in seconds.
    #[serde(default = "timeout_default")]
    pub timeout_seconds: u64,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Begins in the clear and must turn to TLS before anything is sent.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// In the clear: for a server on the same machine.
    None,
}

const fn timeout_default() -> u64 {
    20
}

impl Default for Config {
    fn default() -> Config {
        Config { mail: true, keep_days: 365, attempts_max: 8, smtp: None, webhooks: Webhooks::default() }
    }
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Smtp({}, password hidden)", self.host)
    }
}

impl Config {
    /// Reads the section; a mistake names the key, what was found and what is allowed.
    pub fn read(section: &serde_json::Value) -> Result<Config, String> {
        let config = if section.is_null() { Config::default() } else { Config::deserialize(section).map_err(|e| e.to_string())? };
        let mut ranges = vec![("keep_days", config.keep_days, 1, 36_500), ("attempts_max", config.attempts_max, 1, 100)];
        ranges.push(("webhooks.keep_days", config.webhooks.keep_days, 4, 36_500));
        ranges.push(("webhooks.disable_after_days", config.webhooks.disable_after_days, 1, 365));
        if let Some(smtp) = &config.smtp {
            ranges.push(("smtp.timeout_seconds", i64::try_from(smtp.timeout_seconds).unwrap_or(i64::MAX), 1, 300));
            ranges.push(("smtp.port", smtp.port.unwrap_or(1).into(), 1, 65_535));
            smtp.check()?;
        }
        match ranges.into_iter().find(|(_, found, least, most)| !(least..=most).contains(&found)) {
            Some((key, found, least, most)) => Err(format!("{key} must be {least} to {most}, found {found}")),
            None => Ok(config),
        }
    }
}

impl Smtp {
    fn check(&self) -> Result<(), String> {
        if self.host.trim().is_empty() {
            return Err("smtp.host: expected a server's name, found nothing".into());
        }
        self.sender()?;
        if self.username.is_some() != self.password.is_some() {
            return Err("smtp.username and smtp.password: give both or none".into());
        }
        if self.username.is_some() && self.security == Security::None {
            return Err("smtp.security: a password is not sent in the clear; choose starttls or tls".into());
        }
        Ok(())
    }

    /// From whom mails come.
    pub fn sender(&self) -> Result<lettre::message::Mailbox, String> {
        self.from.parse().map_err(|e| format!("smtp.from: expected an address such as `haat <orders@example.com>`: {e}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mistakes_name_the_key() {
        assert!(Config::read(&serde_json::Value::Null).is_ok());
        assert!(Config::read(&json!({"smtp": {"host": "mail.test", "from": "haat <a@b.test>"}})).is_ok());
        let cases = [
            (json!({"keep_days": 0}), "keep_days must be 1"),
            (json!({"keep_dais": 1}), "keep_dais"),
            (json!({"attempts_max": 0}), "attempts_max must be 1"),
            (json!({"webhooks": {"keep_days": 3}}), "webhooks.keep_days must be 4"),
            (json!({"webhooks": {"private": true}}), "private"),
            (json!({"smtp": {"host": "", "from": "a@b.test"}}), "smtp.host"),
            (json!({"smtp": {"host": "x", "from": "nobody"}}), "smtp.from"),
            (json!({"smtp": {"host": "x"}}), "from"),
            (json!({"smtp": {"host": "x", "from": "a@b.test", "port": 0}}), "smtp.port"),
            (json!({"smtp": {"host": "x", "from": "a@b.test", "username": "u"}}), "smtp.password"),
            (json!({"smtp": {"host": "x", "from": "a@b.test", "security": "ssl"}}), "starttls"),
            (json!({"smtp": {"host": "x", "from": "a@b.test", "username": "u", "password": "p", "security": "none"}}), "in the clear"),
        ];
        for (section, expected) in cases {
            let found = Config::read(&section).unwrap_err();
            assert!(found.contains(expected), "{found}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let section = json!({"smtp": {"host": "x", "from": "a@b.test", "username": "u", "password": "hush"}});
        assert!(!format!("{:?}", Config::read(&section).unwrap()).contains("hush"));
    }
}
