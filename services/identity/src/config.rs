//! The service's section of the configuration.

use schemars::JsonSchema;
use serde::Deserialize;

/// How identity behaves; every field has a default.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How expensive it is to guess a password.
    pub password: PasswordCost,
    /// How many failed attempts are taken.
    pub attempts: Attempts,
    /// Life of a refresh token that is not used, in seconds.
    pub refresh_token_seconds: i64,
    /// Life of a session, however often it is renewed, in seconds.
    pub session_seconds_max: i64,
    /// Open sessions of one person; a further sign-in ends the one that was idle longest.
    pub sessions_per_user_max: i64,
    /// How many addresses one person may have.
    pub addresses_per_user_max: i64,
    /// After how many days the next signing key takes over.
    pub key_rotation_days: i64,
    /// Life of a link to a new password, in seconds.
    pub reset_link_seconds: i64,
    /// Life of a link that proves an address, in seconds.
    pub verify_link_seconds: i64,
}

/// Cost of argon2id; the default is what OWASP recommends (19 MiB, 2 passes, 1 lane).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordCost {
    /// Memory that hashing a password takes, in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Lanes of that memory.
    pub lanes: u32,
    /// Hashes computed at the same time; each needs its memory.
    pub at_once: usize,
    /// Hashes that may wait for their turn; more are refused with `503`.
    pub waiting_max: usize,
}

/// Failed attempts at sign-in and registration within a window of time, and links that were asked for by mail.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Attempts {
    /// Failed attempts on one account from one neighbourhood (IPv4 /24, IPv6 /48), and links to one address from anywhere;
    /// absent: 10, in development 1,000.
    pub per_account: Option<i64>,
    /// Failed attempts on one account from anywhere; absent: ten times `per_account`.
    pub per_account_anywhere: Option<i64>,
    /// Failed attempts from one network address (IPv6: one /64), and links that it asked for; absent: 100, in development 10,000.
    pub per_address: Option<i64>,
    /// How long failed attempts count, in seconds.
    pub window_seconds: i64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            password: PasswordCost::default(),
            attempts: Attempts::default(),
            refresh_token_seconds: 7 * 24 * 3600,
            session_seconds_max: 90 * 24 * 3600,
            sessions_per_user_max: 200,
            addresses_per_user_max: 50,
            key_rotation_days: 90,
            reset_link_seconds: 3600,
            verify_link_seconds: 7 * 24 * 3600,
        }
    }
}

impl Default for PasswordCost {
    fn default() -> PasswordCost {
        PasswordCost { memory_kib: 19 * 1024, passes: 2, lanes: 1, at_once: 2, waiting_max: 256 }
    }
}

impl Default for Attempts {
    fn default() -> Attempts {
        Attempts { per_account: None, per_account_anywhere: None, per_address: None, window_seconds: 15 * 60 }
    }
}

impl Config {
    /// Reads the section; a mistake names the key, what was found and what is allowed.
    pub fn read(section: &serde_json::Value) -> Result<Config, String> {
        let config = if section.is_null() { Config::default() } else { Config::deserialize(section).map_err(|e| e.to_string())? };
        let ranges = [
            ("password.memory_kib", config.password.memory_kib.into(), 8 * i64::from(config.password.lanes.max(1)), 1 << 20),
            ("password.passes", config.password.passes.into(), 1, 100),
            ("password.lanes", config.password.lanes.into(), 1, 16),
            ("password.at_once", config.password.at_once as i64, 1, 256),
            ("password.waiting_max", config.password.waiting_max as i64, 0, 10_000),
            ("attempts.per_account", config.attempts.per_account.unwrap_or(1), 1, 1_000_000),
            ("attempts.per_account_anywhere", config.attempts.per_account_anywhere.unwrap_or(1), 1, 10_000_000),
            ("attempts.per_address", config.attempts.per_address.unwrap_or(1), 1, 1_000_000),
            ("attempts.window_seconds", config.attempts.window_seconds, 1, 24 * 3600),
            ("refresh_token_seconds", config.refresh_token_seconds, 60, 365 * 24 * 3600),
            ("session_seconds_max", config.session_seconds_max, 60, 10 * 365 * 24 * 3600),
            ("sessions_per_user_max", config.sessions_per_user_max, 1, 1_000),
            ("addresses_per_user_max", config.addresses_per_user_max, 1, 1_000),
            ("key_rotation_days", config.key_rotation_days, 1, 3650),
            ("reset_link_seconds", config.reset_link_seconds, 60, 24 * 3600),
            ("verify_link_seconds", config.verify_link_seconds, 60, 90 * 24 * 3600),
        ];
        match ranges.into_iter().find(|(_, found, least, most)| !(least..=most).contains(&found)) {
            Some((key, found, least, most)) => Err(format!("{key} must be {least} to {most}, found {found}")),
            None => Ok(config),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mistakes_name_the_key() {
        assert!(Config::read(&serde_json::Value::Null).is_ok());
        assert!(Config::read(&json!({})).is_ok());
        assert!(Config::read(&json!({"password": {"memory_kib": 8, "passes": 1}})).is_ok());
        let cases = [
            (json!({"password": {"memory_kib": 7}}), "password.memory_kib must be 8"),
            (json!({"password": {"lanes": 2, "memory_kib": 15}}), "password.memory_kib must be 16"),
            (json!({"refresh_token_seconds": -1}), "refresh_token_seconds must be"),
            (json!({"refesh_token_seconds": 1}), "unknown field `refesh_token_seconds`"),
        ];
        for (section, expected) in cases {
            let found = Config::read(&section).unwrap_err();
            assert!(found.contains(expected), "{found}");
        }
    }
}
