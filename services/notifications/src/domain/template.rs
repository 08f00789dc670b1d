//! Texts with fields to fill in (Handlebars): the built-in ones, per kind, channel and language.

use std::sync::{Arc, LazyLock};

use handlebars::Handlebars;
use serde_json::Value as Json;

use super::{Kind, Locale, Medium, Text, html};

/// Why a template gives no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TemplateError(pub String);

/// The built-in templates, read once a process: reading takes longer than everything else a service does at its start.
#[derive(Clone)]
pub(crate) struct Texts(Arc<Handlebars<'static>>);

/// The line between title, short text and mail.
const PART: &str = "\n---\n";

impl Texts {
    /// The built-in templates.
    pub fn new() -> Result<Texts, TemplateError> {
        static BUILT_IN: LazyLock<Result<Texts, TemplateError>> = LazyLock::new(Texts::read);
        BUILT_IN.clone()
    }

    fn read() -> Result<Texts, TemplateError> {
        let mut all = Handlebars::new();
        all.set_strict_mode(true);
        all.register_escape_fn(handlebars::no_escape);
        for (kind, locale) in Kind::ALL.into_iter().flat_map(|kind| [(kind, Locale::English), (kind, Locale::Bangla)]) {
            let mut parts = built_in(kind, locale).split(PART);
            for part in [TITLE, SHORT, MAIL] {
                let source = parts.next().unwrap_or("");
                all.register_template_string(&name(kind, locale, part), source).map_err(|e| TemplateError(e.to_string()))?;
            }
        }
        Ok(Texts(Arc::new(all)))
    }

    /// A message in words.
    pub fn write(&self, kind: Kind, channel: Medium, locale: Locale, fields: &Json) -> Result<Text, TemplateError> {
        let title = tidy(&self.fill(&name(kind, locale, TITLE), fields)?);
        Ok(match channel {
            Medium::InApp => Text { title, body: tidy(&self.fill(&name(kind, locale, SHORT), fields)?), html: None },
            Medium::Email => {
                let body = tidy(&self.fill(&name(kind, locale, MAIL), fields)?);
                let html = Some(html::page(&title, &body, locale));
                Text { title, body, html }
            }
        })
    }

    fn fill(&self, name: &str, fields: &Json) -> Result<String, TemplateError> {
        self.0.render(name, fields).map_err(|e| TemplateError(e.to_string()))
    }
}

const TITLE: &str = "title";
const SHORT: &str = "short";
const MAIL: &str = "mail";

fn name(kind: Kind, locale: Locale, part: &str) -> String {
    format!("{}/{}/{part}", locale.as_str(), kind.as_str())
}

/// Without the blank lines that conditions leave behind.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = 0;
    for line in text.trim().lines().map(str::trim_end) {
        blank = if line.is_empty() { blank + 1 } else { 0 };
        if blank < 2 {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

macro_rules! built_in {
    ($($kind:ident = $file:literal),+ $(,)?) => {
        /// Title, short text and mail of a kind; the mail is empty where none is sent.
        fn built_in(kind: Kind, locale: Locale) -> &'static str {
            match (kind, locale) {
                $((Kind::$kind, Locale::English) => include_str!(concat!("../../templates/en/", $file, ".hbs")),
                (Kind::$kind, Locale::Bangla) => include_str!(concat!("../../templates/bn/", $file, ".hbs")),)+
            }
        }
    };
}

built_in!(
    UserRegistered = "user.registered",
    OrderCreated = "order.created",
    OrderConfirmed = "order.confirmed",
    OrderFailed = "order.failed",
    OrderCancelled = "order.cancelled",
    OrderShipped = "order.shipped",
    OrderDelivered = "order.delivered",
    PaymentRefunded = "payment.refunded",
    VendorOrderConfirmed = "vendor_order.confirmed",
);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Every field of a kind, filled or empty.
    fn fields(kind: Kind, filled: bool) -> Json {
        let value = |field| match (field, filled) {
            ("items", true) => json!([{"quantity": "2", "title": "Tea <b>", "total": "BDT 20.00"}]),
            ("items", false) => json!([]),
            (field, true) => json!(format!("[{field}]")),
            (_, false) => json!(""),
        };
        kind.fields().map(|f| (f.to_owned(), value(f))).collect::<serde_json::Map<_, _>>().into()
    }

    #[test]
    fn every_kind_has_words_on_its_channels_in_every_language() {
        let texts = Texts::new().unwrap();
        for kind in Kind::ALL {
            for (locale, filled) in [(Locale::English, true), (Locale::English, false), (Locale::Bangla, true), (Locale::Bangla, false)] {
                for channel in kind.channels() {
                    let text = texts.write(kind, *channel, locale, &fields(kind, filled)).unwrap();
                    let place = format!("{kind:?} {channel:?} {locale:?}");
                    assert!(!text.title.is_empty() && !text.body.is_empty(), "{place}");
                    assert!(
                        !text.title.contains('\n') && !text.body.contains("\n\n\n") && !text.body.contains("{{"),
                        "{place}: {}",
                        text.body
                    );
                    assert_eq!(text.html.is_some(), *channel == Medium::Email, "{place}");
                }
            }
        }
    }

    #[test]
    fn what_people_wrote_is_text_in_the_mail_and_markup_nowhere() {
        let text = Texts::new().unwrap().write(Kind::OrderConfirmed, Medium::Email, Locale::English, &fields(Kind::OrderConfirmed, true));
        let text = text.unwrap();
        assert!(text.body.contains("- 2 × Tea <b>: BDT 20.00\n"), "{}", text.body);
        assert!(text.html.unwrap().contains("<li>2 × Tea &lt;b&gt;: BDT 20.00</li>"));
    }

    #[test]
    fn a_field_that_is_not_given_is_an_error() {
        let texts = Texts::new().unwrap();
        assert!(texts.write(Kind::OrderConfirmed, Medium::Email, Locale::English, &json!({"name": "x"})).is_err());
    }
}
