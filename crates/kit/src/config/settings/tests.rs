use serde_json::json;

use super::*;

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn from_variables(pairs: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    Settings::load(&Sources { environment: variables(pairs), ..Sources::default() })
}

fn from_file(text: &str, pairs: &[(&str, &str)], flags: Vec<(&'static str, String, &'static str)>) -> Result<Settings, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("haat.toml");
    std::fs::write(&path, text).unwrap();
    Settings::load(&Sources { file: Some(path), environment: variables(pairs), flags, ..Sources::default() })
}

#[test]
fn nothing_given_is_production_on_loopback() {
    let settings = from_variables(&[]).unwrap();
    assert_eq!(settings.profile, Profile::Production);
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.internal_listen, None);
    assert_eq!(settings.database, DatabaseUrl::Sqlite("haat-data/haat.db".into()));
    assert_eq!(settings.public_url, "http://127.0.0.1:8080");
    assert_eq!(settings.log_format, LogFormat::Json);
    assert_eq!(settings.services, json!({}));
}

#[test]
fn the_later_source_wins() {
    let file =
        "listen = '127.0.0.1:1'\ndata_dir = '/a'\n[database]\nconnections = 7\n[services.payments]\nrate = 3\nlate = { by = 'hours' }\n";
    let variables = [("HAAT_DATA_DIR", "/b"), ("HAAT_LISTEN", "127.0.0.1:2"), ("HAAT_SERVICES__PAYMENTS__RATE", "4"), ("PATH", "/bin")];
    let settings = from_file(file, &variables, vec![("listen", "3".into(), "--listen")]).unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:3");
    assert_eq!(settings.data_dir, PathBuf::from("/b"));
    assert_eq!(settings.database_connections, 7);
    assert_eq!(settings.services, json!({"payments": {"rate": 4, "late": {"by": "hours"}}}));
    let of = |key: &str| settings.explain().iter().find(|e| e.key == key).unwrap().clone();
    assert_eq!((of("listen").value.as_str(), of("listen").source.as_str()), ("3", "--listen"));
    assert_eq!((of("data_dir").value.as_str(), of("data_dir").source.as_str()), ("/b", "HAAT_DATA_DIR"));
    assert!(of("database.connections").source.ends_with("haat.toml"));
    assert_eq!(of("public_url").value, "http://127.0.0.1:3");
    assert_eq!(of("public_url").source, "default");
}

#[test]
fn every_key_is_explained_and_no_secret_shown() {
    let key = "ab".repeat(32);
    let settings = from_variables(&[("HAAT_MASTER_KEY", &key), ("HAAT_REMOTES__ORDERS", "http://10.0.0.7:8081")]).unwrap();
    let text = format!("{:?}", settings.explain());
    assert!(!text.contains(&key) && !format!("{settings:?}").contains(&key));
    for known in KEYS.iter().filter(|k| !k.name.contains('*')) {
        assert!(settings.explain().iter().any(|e| e.key == known.name), "{}", known.name);
    }
    assert!(text.contains("http://10.0.0.7:8081"));
}

#[test]
fn a_mistake_names_the_key_what_was_found_and_what_is_allowed() {
    let cases: [(&str, &str, &str, &str); 14] = [
        ("HAAT_LISTN", "1", "listn", "listen"),
        ("HAAT_DATABASE__URI", "x", "database.uri", "database.url"),
        ("HAAT_LOG__LEVEL", "x", "log.level", "log.filter"),
        ("HAAT_PROFILE", "prod", "\"prod\"", "development, staging or production"),
        ("HAAT_LISTEN", "localhost", "\"localhost\"", "127.0.0.1:8080"),
        ("HAAT_LISTEN", "127.0.0.1:70000", "70000", "127.0.0.1:8080"),
        ("HAAT_DATABASE__URL", "mysql://x", "mysql", "postgres://"),
        ("HAAT_DATABASE__CONNECTIONS", "1", "\"1\"", "from 2 to 1000"),
        ("HAAT_PUBLIC_URL", "shop.example", "shop.example", "https://"),
        ("HAAT_PUBLIC_URL", "https://shop.example/shop", "/shop", "without a path"),
        ("HAAT_TRUSTED_PROXIES", "10.0.0.0/40", "10.0.0.0/40", "networks"),
        ("HAAT_LOG", "a=b=c", "a=b=c", "levels"),
        ("HAAT_REMOTES__ORDERS", "10.0.0.7", "10.0.0.7", "http://"),
        ("HAAT_INTERNAL_LISTEN", "x", "\"x\"", "or nothing"),
    ];
    for (variable, value, found, allowed) in cases {
        let error = from_variables(&[(variable, value)]).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.0.len(), 1, "{text}");
        assert!(text.contains(variable) && text.contains(found) && text.contains(allowed), "{variable}={value}: {text}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_and_secrets_never() {
    let error = from_variables(&[("HAAT_PROFILE", "x"), ("HAAT_LOG__FORMAT", "xml"), ("HAAT_MASTER_KEY", "hunter2")]).unwrap_err();
    assert_eq!(error.0.len(), 3, "{error}");
    assert!(!error.to_string().contains("hunter2"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let missing = Settings::load(&Sources { file: Some("/nowhere/haat.toml".into()), ..Sources::default() });
    assert!(missing.unwrap_err().to_string().contains("/nowhere/haat.toml"));
    let error = from_file("listen = = 1", &[], Vec::new()).unwrap_err().to_string();
    assert!(error.contains("haat.toml") && error.contains("line 1"), "{error}");
}

#[test]
fn variables_of_others_are_left_alone() {
    let others = [
        ("HAAT_PORT", "tcp://10.0.0.1:80"),
        ("HAAT_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("HAAT_SERVICE_HOST", "10.0.0.1"),
        ("HAAT_BIN", "/usr/bin/haat"),
        ("HAAT_CRASH_AT", "db.after_commit"),
        ("HAATPROFILE", "x"),
    ];
    assert!(from_variables(&others).is_ok());
}

#[test]
fn development_stays_on_loopback_unless_told() {
    let open = [("HAAT_PROFILE", "development"), ("HAAT_LISTEN", "0.0.0.0:8080")];
    assert!(from_variables(&open).unwrap_err().to_string().contains("expose_demo"));
    let told = [open[0], open[1], ("HAAT_EXPOSE_DEMO", "true")];
    let settings = from_variables(&told).unwrap();
    assert_eq!((settings.public_url.as_str(), settings.log_format), ("http://localhost:8080", LogFormat::Pretty));
    assert!(from_variables(&[("HAAT_LISTEN", "0.0.0.0:8080")]).is_ok());
}
