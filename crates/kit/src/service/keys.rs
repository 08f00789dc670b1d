//! What a service's section of the configuration may hold, read off its type: the fields, what their comments say, and
//! what holds where they are left out.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::Value as Json;

/// A key of a service's section.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Below the section, such as `tax.included`.
    pub name: String,
    /// What it is for.
    pub meaning: String,
    /// What holds where it is left out; null for nothing.
    pub default: Json,
}

/// The section of a service that reads nothing of it: every key is refused.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// The keys of a configuration type and of the sections within it, in the order of their fields.
pub fn keys<C: JsonSchema>() -> Vec<Key> {
    let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<C>();
    let mut keys = Vec::new();
    collect(schema.as_value(), "", &mut keys);
    keys
}

fn collect(section: &Json, above: &str, keys: &mut Vec<Key>) {
    for (name, field) in section["properties"].as_object().into_iter().flatten() {
        let name = format!("{above}{name}");
        if field["properties"].is_object() {
            collect(field, &format!("{name}."), keys);
            continue;
        }
        let comment = field["description"].as_str().unwrap_or_default();
        let meaning = comment.split_whitespace().collect::<Vec<_>>().join(" ");
        keys.push(Key { name, meaning, default: field["default"].clone() });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Not what a key is for.
    #[derive(Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    #[allow(dead_code, reason = "only its shape is looked at")]
    struct Outer {
        /// After how long,
        /// in seconds.
        pause_seconds: i64,
        /// Nor this.
        inner: Inner,
        /// Nor this, where it may be left out.
        other: Option<Other>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(default)]
    #[allow(dead_code, reason = "only its shape is looked at")]
    struct Inner {
        /// Whether.
        on: bool,
        /// Which.
        names: Vec<String>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its shape is looked at")]
    struct Other {
        /// Where.
        host: String,
    }

    impl Default for Outer {
        fn default() -> Outer {
            Outer { pause_seconds: 30, inner: Inner::default(), other: None }
        }
    }

    impl Default for Inner {
        fn default() -> Inner {
            Inner { on: true, names: Vec::new() }
        }
    }

    #[test]
    fn keys_are_fields_with_their_comments_and_defaults() {
        let found: Vec<_> = keys::<Outer>().into_iter().map(|key| (key.name, key.meaning, key.default)).collect();
        let expected = [
            ("pause_seconds", "After how long, in seconds.", json!(30)),
            ("inner.on", "Whether.", json!(true)),
            ("inner.names", "Which.", json!([])),
            ("other.host", "Where.", Json::Null),
        ];
        assert_eq!(found, expected.map(|(name, meaning, default)| (name.to_owned(), meaning.to_owned(), default)));
        assert_eq!(keys::<NoConfig>(), []);
    }
}
