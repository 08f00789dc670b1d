//! Messages that somebody sends: a template, and what stands in it.

use serde_json::{Map, Value as Json, json};

use super::kind::{COMMON, ITEMS};
use super::{Addressee, Kind, Medium, UNSUBSCRIBE, unsubscribe_url};

/// Variables by name.
pub(crate) type Variables = Map<String, Json>;

/// The longest text of a variable, in characters, and the most items.
const TEXT_CHARS_MAX: usize = 10_000;
const ITEMS_MAX: usize = 100;

/// Variables that may be left out; they are empty then.
const OPTIONAL: &[&str] = &["url", "reason", "carrier", "trackingNumber"];

/// What is to be said on which channels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub kind: Kind,
    /// Of those on which the kind goes.
    pub channels: Vec<Medium>,
    pub variables: Variables,
}

/// What is wrong with a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrongVariable {
    pub name: String,
    /// missing, unknown or invalid.
    pub code: &'static str,
    pub detail: String,
}

/// Whether somebody may send messages of this kind: not those with a link that only the platform can draw.
pub(crate) fn is_sendable(kind: Kind) -> bool {
    !kind.has_link()
}

/// The variables that a template needs; the reader's name and the shop's address are known.
fn needed(kind: Kind) -> impl Iterator<Item = &'static str> {
    kind.fields().filter(|field| !COMMON.contains(field))
}

/// Everything that is wrong with the variables for a template.
pub(crate) fn check_variables(kind: Kind, variables: &Variables) -> Vec<WrongVariable> {
    let wrong = |name: &str, code, detail: String| WrongVariable { name: name.to_owned(), code, detail };
    let known: Vec<&str> = needed(kind).collect();
    let named = || if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let unknown = variables.keys().filter(|name| !known.contains(&name.as_str()));
    let mut found: Vec<_> =
        unknown.map(|name| wrong(name, "unknown", format!("{} has these variables: {}", kind.as_str(), named()))).collect();
    for name in &known {
        match variables.get(*name) {
            None if OPTIONAL.contains(name) => {}
            None => found.push(wrong(name, "missing", format!("{} needs {name}", kind.as_str()))),
            Some(value) => found.extend(check(name, value).map(|detail| wrong(name, "invalid", detail))),
        }
    }
    found
}

fn check(name: &str, value: &Json) -> Option<String> {
    if name != ITEMS.0 {
        let is_blank = !OPTIONAL.contains(&name) && value.as_str().is_some_and(|text| text.trim().is_empty());
        return (is_blank || !is_text(value)).then(|| format!("expected a text of 1 to {TEXT_CHARS_MAX} characters"));
    }
    let is_item = |item: &Json| {
        item.as_object()
            .is_some_and(|item| item.len() == ITEMS.1.len() && ITEMS.1.iter().all(|member| item.get(*member).is_some_and(is_text)))
    };
    let fits = value.as_array().is_some_and(|items| items.len() <= ITEMS_MAX && items.iter().all(is_item));
    (!fits).then(|| format!("expected a list of at most {ITEMS_MAX} items with the texts {}", ITEMS.1.join(", ")))
}

/// A text that a database of either kind can hold.
fn is_text(value: &Json) -> bool {
    value.as_str().is_some_and(|text| text.chars().count() <= TEXT_CHARS_MAX && !text.contains('\0'))
}

/// The fields of a template for a reader.
pub(crate) fn filled(kind: Kind, variables: &Variables, reader: &Addressee, public_url: &str) -> Json {
    let mut fields: Map<String, Json> =
        needed(kind).map(|name| (name.to_owned(), variables.get(name).cloned().unwrap_or_else(|| json!("")))).collect();
    fields.insert("name".into(), json!(reader.name));
    fields.insert("shopUrl".into(), json!(public_url));
    if let Some(url) = unsubscribe_url(public_url, &reader.link_token, kind) {
        fields.insert(UNSUBSCRIBE.into(), json!(url));
    }
    Json::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::super::{Locale, Texts, sample};
    use super::*;

    fn variables(json: Json) -> Variables {
        json.as_object().unwrap().clone()
    }

    #[test]
    fn mistakes_name_the_variable() {
        let codes = |kind, given: Json| -> Vec<(String, &'static str)> {
            check_variables(kind, &variables(given)).into_iter().map(|w| (w.name, w.code)).collect()
        };
        let name = str::to_owned;
        assert_eq!(codes(Kind::Announcement, json!({"subject": "s", "text": "t"})), []);
        assert_eq!(codes(Kind::Announcement, json!({"subject": "s", "text": "t", "url": "u"})), []);
        assert_eq!(
            codes(Kind::Announcement, json!({"text": 1, "name": "x"})),
            [(name("name"), "unknown"), (name("subject"), "missing"), (name("text"), "invalid")]
        );
        assert_eq!(codes(Kind::Announcement, json!({"subject": " \n", "text": "t", "url": ""})), [(name("subject"), "invalid")]);
        assert_eq!(codes(Kind::Announcement, json!({"subject": "\0", "text": "x".repeat(10_001)})).len(), 2);
        let items = |items: Json| codes(Kind::OrderCreated, json!({"orderNumber": "1", "orderUrl": "u", "total": "t", "items": items}));
        assert_eq!(items(json!([{"quantity": "1", "title": "t", "total": "2"}])), []);
        for wrong in [json!("x"), json!([1]), json!([{"quantity": 1, "title": "t", "total": "2"}]), json!([{"title": "t"}])] {
            assert_eq!(items(wrong.clone()), [(name("items"), "invalid")], "{wrong}");
        }
    }

    #[test]
    fn what_passes_can_be_written() {
        let reader = Addressee {
            recipient: uuid::Uuid::nil(),
            user_id: None,
            email: "a@b.test".into(),
            name: "A".into(),
            locale: Locale::Bangla,
            link_token: "t".into(),
        };
        for kind in Kind::ALL.into_iter().filter(|k| is_sendable(*k)) {
            let mut given = variables(sample(kind, Locale::Bangla, "u"));
            given.retain(|name, _| !COMMON.contains(&name.as_str()) && !OPTIONAL.contains(&name.as_str()));
            assert_eq!(check_variables(kind, &given), [], "{kind:?}");
            for channel in kind.channels() {
                Texts::new().unwrap().write(kind, *channel, Locale::Bangla, &filled(kind, &given, &reader, "u")).unwrap();
            }
        }
    }
}
