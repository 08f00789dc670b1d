//! Where traces go; also by the names that OpenTelemetry has for the environment.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use http::{HeaderMap, HeaderName, HeaderValue};
use kit::trace::{Collector, Exporter, Sampler};
use serde::{Deserialize, Serialize};

/// The `telemetry` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Where traces are sent: the collector's address, to which `/v1/traces` is added where it does not end so.
    pub otlp_endpoint: Option<String>,
    /// Sent with each request: `name=value`, separated by commas, values percent-encoded.
    pub otlp_headers: Option<String>,
    /// How long the collector may take to answer.
    pub otlp_timeout_ms: u64,
    /// `service.name`.
    pub service_name: String,
    /// What else is said of the process: `name=value`, separated by commas, values percent-encoded.
    pub resource_attributes: Option<String>,
    /// By its standard name.
    pub sampler: String,
    /// With `traceidratio`.
    pub sample_ratio: f64,
}

impl Default for Telemetry {
    fn default() -> Telemetry {
        Telemetry {
            otlp_endpoint: None,
            otlp_headers: None,
            otlp_timeout_ms: 10_000,
            service_name: "haat".into(),
            resource_attributes: None,
            sampler: "parentbased_traceidratio".into(),
            sample_ratio: 1.0,
        }
    }
}

const TRACES_PATH: &str = "/v1/traces";

impl Telemetry {
    /// Names the key that is wrong.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if let Some(url) = &self.otlp_endpoint
            && !["http://", "https://"].iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
        {
            bail!("telemetry.otlp_endpoint: expected http://host:port or https://host:port, found {url:?}");
        }
        if !(100..=60_000).contains(&self.otlp_timeout_ms) {
            bail!("telemetry.otlp_timeout_ms: expected 100 to 60000, found {}", self.otlp_timeout_ms);
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            bail!("telemetry.sample_ratio: expected 0 to 1, found {}", self.sample_ratio);
        }
        self.sampler()?;
        self.headers().context("telemetry.otlp_headers")?;
        pairs(self.resource_attributes.as_deref()).context("telemetry.resource_attributes").map(drop)
    }

    /// Begins to record and to send; nothing where no collector is named. Close what it returns at the end.
    pub fn begin(&self) -> anyhow::Result<Option<Exporter>> {
        let Some(url) = &self.otlp_endpoint else { return Ok(None) };
        let url = url.trim_end_matches('/');
        let url = if url.ends_with(TRACES_PATH) { url.to_owned() } else { format!("{url}{TRACES_PATH}") };
        let (headers, timeout) = (self.headers()?, Duration::from_millis(self.otlp_timeout_ms));
        let collector = Collector { url, headers, timeout, resource: self.resource()? };
        kit::trace::record(self.sampler()?, collector).map(Some).map_err(|e| anyhow!("telemetry.otlp_endpoint: {e}"))
    }

    fn sampler(&self) -> anyhow::Result<Sampler> {
        Sampler::named(&self.sampler, self.sample_ratio).map_err(|e| anyhow!("telemetry.sampler: {e}"))
    }

    fn headers(&self) -> anyhow::Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs(self.otlp_headers.as_deref())? {
            let mut value = HeaderValue::try_from(value).with_context(|| format!("the value of {name}"))?;
            value.set_sensitive(true);
            headers.insert(HeaderName::try_from(&name).with_context(|| format!("{name:?}"))?, value);
        }
        Ok(headers)
    }

    fn resource(&self) -> anyhow::Result<Vec<(String, String)>> {
        let ours = [
            ("service.name", self.service_name.clone()),
            ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("service.instance.id", kit::Ids::random().uuid(kit::Clock::system().now()).to_string()),
            ("telemetry.sdk.name", "haat".to_owned()),
            ("telemetry.sdk.language", "rust".to_owned()),
            ("telemetry.sdk.version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        let mut resource: Vec<_> = ours.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for (name, value) in pairs(self.resource_attributes.as_deref())? {
            match resource.iter_mut().find(|(known, _)| *known == name) {
                // The name that is asked for wins, as OpenTelemetry has it.
                Some(_) if name == "service.name" && self.service_name != Telemetry::default().service_name => {}
                Some((_, known)) => *known = value,
                None => resource.push((name, value)),
            }
        }
        Ok(resource)
    }
}

/// `a=1,b=2`, values percent-encoded.
fn pairs(text: Option<&str>) -> anyhow::Result<Vec<(String, String)>> {
    let parts = text.unwrap_or("").split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').context("expected name=value, separated by commas")?;
            Ok((name.trim().to_owned(), percent_decoded(value.trim()).context("expected values that are percent-encoded UTF-8")?))
        })
        .collect()
}

fn percent_decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, behind @ ..] = rest {
        match (first, behind) {
            (b'%', [high, low, behind @ ..]) => {
                let digit = |c: &u8| char::from(*c).to_digit(16);
                bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
                rest = behind;
            }
            (b'%', _) => return None,
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// What `haat config` knows the variables below by.
pub(super) const STANDARD: &str = "OpenTelemetry";

/// OpenTelemetry's variables and the keys that they stand for; of several for a key the last one that is set counts.
const VARIABLES: [(&str, &str); 10] = [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint"),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "otlp_endpoint"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "otlp_headers"),
    ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "otlp_headers"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "otlp_timeout_ms"),
    ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "otlp_timeout_ms"),
    ("OTEL_SERVICE_NAME", "service_name"),
    ("OTEL_RESOURCE_ATTRIBUTES", "resource_attributes"),
    ("OTEL_TRACES_SAMPLER", "sampler"),
    ("OTEL_TRACES_SAMPLER_ARG", "sample_ratio"),
];

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The variable from which a key comes, if it comes from one of these.
pub(super) fn variable_of(key: &str) -> Option<&'static str> {
    let key = key.strip_prefix("telemetry.")?;
    VARIABLES.iter().rev().find(|(name, known)| *known == key && set(name).is_some()).map(|(name, _)| *name)
}

/// The keys that OpenTelemetry's variables set.
pub(super) struct StandardVariables(Dict);

impl StandardVariables {
    /// As the environment has them; what haat does not speak is refused.
    pub fn of_the_environment() -> anyhow::Result<StandardVariables> {
        StandardVariables::of(set)
    }

    fn of(set: impl Fn(&str) -> Option<String>) -> anyhow::Result<StandardVariables> {
        let is_off = set("OTEL_SDK_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        if is_off || set("OTEL_TRACES_EXPORTER").is_some_and(|v| v == "none") {
            return Ok(StandardVariables(Dict::new()));
        }
        let mut keys = Dict::new();
        for (name, key) in VARIABLES {
            let Some(text) = set(name) else { continue };
            let value = match key {
                "otlp_timeout_ms" => text.parse::<u64>().map(Value::from).unwrap_or_else(|_| Value::from(text)),
                "sample_ratio" => text.parse::<f64>().map(Value::from).unwrap_or_else(|_| Value::from(text)),
                _ => Value::from(text),
            };
            keys.insert(key.to_owned(), value);
        }
        let protocol = set("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL").or_else(|| set("OTEL_EXPORTER_OTLP_PROTOCOL"));
        if let Some(protocol) = protocol.filter(|p| p != "http/protobuf" && keys.contains_key("otlp_endpoint")) {
            bail!("OTEL_EXPORTER_OTLP_PROTOCOL: haat speaks http/protobuf (port 4318 of most collectors), found {protocol:?}");
        }
        Ok(StandardVariables(keys))
    }
}

impl Provider for StandardVariables {
    fn metadata(&self) -> Metadata {
        Metadata::named(STANDARD)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let section = Dict::from([("telemetry".to_owned(), Value::from(self.0.clone()))]);
        Ok(Map::from([(Profile::Default, section)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> anyhow::Result<Telemetry> {
        let found = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let all = figment::Figment::from(figment::providers::Serialized::default("telemetry", Telemetry::default()));
        Ok(all.merge(StandardVariables::of(found)?).extract_inner("telemetry")?)
    }

    #[test]
    fn the_standard_names_are_heeded() {
        let telemetry = of(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all.test:4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces.test/v1/traces"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, tenant = shop"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging,service.name=other"),
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.1"),
        ])
        .unwrap();
        telemetry.check().unwrap();
        assert_eq!(telemetry.otlp_endpoint.as_deref(), Some("http://traces.test/v1/traces"));
        assert_eq!((telemetry.otlp_timeout_ms, telemetry.sampler().unwrap()), (2_000, Sampler { heeds_parent: false, ratio: 0.1 }));
        let headers = telemetry.headers().unwrap();
        assert_eq!((headers["api-key"].to_str().unwrap(), headers["tenant"].to_str().unwrap()), ("a b", "shop"));
        let resource = telemetry.resource().unwrap();
        let says = |name: &str, value: &str| resource.iter().filter(|(known, _)| known == name).all(|(_, v)| v == value);
        assert!(says("service.name", "shop") && says("deployment.environment.name", "staging") && resource.len() == 7, "{resource:?}");
    }

    #[test]
    fn what_is_turned_off_is_off_and_what_is_not_spoken_refused() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all.test:4318");
        for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")] {
            assert_eq!(of(&[endpoint, off]).unwrap().otlp_endpoint, None, "{off:?}");
        }
        assert!(of(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap_err().to_string().contains("4318"));
        assert_eq!(of(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap().otlp_endpoint, None);
        assert!(of(&[("OTEL_TRACES_SAMPLER_ARG", "many")]).is_err());
        for wrong in ["a", "a=%", "a=%zz", "a=%ff"] {
            assert!(pairs(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
