//! Texts with fields to fill in (Handlebars): the built-in ones, per kind, channel and language, and others in their place.

use std::sync::{Arc, LazyLock};

use handlebars::Handlebars;
use serde_json::Value as Json;

use super::{Kind, Locale, Medium, Text, html};

/// Why a template gives no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TemplateError(pub String);

/// A template as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// One line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// HTML of a mail; made from the plain text where left out.
    pub html: Option<String>,
}

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
        let mut all = plain();
        for (kind, locale) in Kind::ALL.into_iter().flat_map(|kind| Locale::ALL.map(|locale| (kind, locale))) {
            for medium in kind.channels() {
                let source = Source::built_in(kind, *medium, locale);
                for (part, text) in [(TITLE, source.title), (BODY, source.body)] {
                    all.register_template_string(&name(kind, *medium, locale, part), text).map_err(|e| TemplateError(e.to_string()))?;
                }
            }
        }
        Ok(Texts(Arc::new(all)))
    }

    /// A message in the built-in words.
    pub fn write(&self, kind: Kind, medium: Medium, locale: Locale, fields: &Json) -> Result<Text, TemplateError> {
        let part = |part| self.0.render(&name(kind, medium, locale, part), fields).map_err(|e| TemplateError(e.to_string()));
        Ok(text(&part(TITLE)?, &part(BODY)?, None, medium, locale))
    }
}

/// A message in the words of `source`.
pub(crate) fn fill(source: &Source, medium: Medium, locale: Locale, fields: &Json) -> Result<Text, TemplateError> {
    let error = |e: handlebars::RenderError| TemplateError(e.to_string());
    let plain = plain();
    let html = source.html.as_ref().filter(|_| medium == Medium::Email).map(|html| {
        let mut escaping = Handlebars::new();
        escaping.set_strict_mode(true);
        escaping.render_template(html, fields).map_err(error)
    });
    let title = plain.render_template(&source.title, fields).map_err(error)?;
    let body = plain.render_template(&source.body, fields).map_err(error)?;
    Ok(text(&title, &body, html.transpose()?, medium, locale))
}

/// Names only what it is given, and escapes nothing: for plain text.
fn plain() -> Handlebars<'static> {
    let mut plain = Handlebars::new();
    plain.set_strict_mode(true);
    plain.register_escape_fn(handlebars::no_escape);
    plain
}

fn text(title: &str, body: &str, html: Option<String>, medium: Medium, locale: Locale) -> Text {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let body = tidy(body);
    let html = (medium == Medium::Email).then(|| html.unwrap_or_else(|| html::page(&title, &body, locale)));
    Text { title, body, html }
}

const TITLE: &str = "title";
const BODY: &str = "body";

fn name(kind: Kind, medium: Medium, locale: Locale, part: &str) -> String {
    format!("{}/{}/{}/{part}", locale.as_str(), kind.as_str(), medium.as_str())
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

impl Source {
    /// The template that comes with haat; empty where a kind does not go on this channel.
    pub fn built_in(kind: Kind, medium: Medium, locale: Locale) -> Source {
        let mut parts = built_in(kind, locale).split(PART);
        let title = parts.next().unwrap_or_default();
        let short = parts.next().unwrap_or_default();
        let mail = parts.next().unwrap_or_default();
        let body = match medium {
            Medium::InApp => short,
            Medium::Email => mail,
        };
        Source { title: title.to_owned(), body: body.trim_end().to_owned(), html: None }
    }
}

macro_rules! built_in {
    ($($kind:ident = $file:literal),+ $(,)?) => {
        /// Title, short text and mail of a kind, in one text.
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
    UserVerifyEmail = "user.verify_email",
    UserResetPassword = "user.reset_password",
    OrderCreated = "order.created",
    OrderConfirmed = "order.confirmed",
    OrderFailed = "order.failed",
    OrderCancelled = "order.cancelled",
    OrderShipped = "order.shipped",
    OrderDelivered = "order.delivered",
    PaymentRefunded = "payment.refunded",
    VendorOrderConfirmed = "vendor_order.confirmed",
    Announcement = "announcement",
    VendorOrderCancelled = "vendor_order.cancelled",
    WebhookDisabled = "webhook.disabled",
    VendorOrderReturnRequested = "vendor_order.return_requested",
    OrderReturnApproved = "order.return_approved",
    OrderReturnRejected = "order.return_rejected",
    ProductBackInStock = "product.back_in_stock",
    InventoryLow = "inventory.low",
    StaffInvited = "vendor.staff_invited",
);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{check, sample};
    use super::*;

    /// The fields of a kind, with nothing in them.
    fn empty(kind: Kind) -> Json {
        kind.fields().map(|f| (f.to_owned(), if f == "items" { json!([]) } else { json!("") })).collect::<serde_json::Map<_, _>>().into()
    }

    #[test]
    fn every_kind_has_words_on_its_channels_in_every_language() {
        let texts = Texts::new().unwrap();
        for (kind, locale) in Kind::ALL.into_iter().flat_map(|kind| Locale::ALL.map(|locale| (kind, locale))) {
            for medium in kind.channels() {
                // An announcement says what its variables say, and these are not empty.
                let cases = [Some(sample(kind, locale, "http://haat.test")), (kind != Kind::Announcement).then(|| empty(kind))];
                for fields in cases.into_iter().flatten() {
                    let text = texts.write(kind, *medium, locale, &fields).unwrap();
                    let place = format!("{kind:?} {medium:?} {locale:?}");
                    assert!(!text.title.is_empty() && !text.body.is_empty(), "{place}");
                    assert!(!text.body.contains("\n\n\n") && !text.body.contains("{{"), "{place}: {}", text.body);
                    assert_eq!(text.html.is_some(), *medium == Medium::Email, "{place}");
                }
                assert_eq!(check(kind, &Source::built_in(kind, *medium, locale)), [], "{kind:?} {medium:?} {locale:?}");
            }
        }
    }

    #[test]
    fn what_people_wrote_is_text_in_the_mail_and_markup_nowhere() {
        let fields = sample(Kind::OrderConfirmed, Locale::English, "http://haat.test");
        let text = Texts::new().unwrap().write(Kind::OrderConfirmed, Medium::Email, Locale::English, &fields).unwrap();
        assert!(text.body.contains("- 2 × Handloom <gamcha>: BDT 2,598.00\n"), "{}", text.body);
        assert!(text.html.unwrap().contains("<li>2 × Handloom &lt;gamcha&gt;: BDT 2,598.00</li>"));
        let own = Source { title: " A \n{{name}} ".into(), body: "{{name}}".into(), html: Some("<p>{{items.0.title}}</p>".into()) };
        let text = fill(&own, Medium::Email, Locale::English, &fields).unwrap();
        assert_eq!((text.title.as_str(), text.html.as_deref()), ("A Ayesha", Some("<p>Handloom &lt;gamcha&gt;</p>")));
        assert_eq!(fill(&own, Medium::InApp, Locale::English, &fields).unwrap().html, None);
    }

    #[test]
    fn a_field_that_is_not_given_is_an_error() {
        let fields = json!({"name": "x"});
        assert!(Texts::new().unwrap().write(Kind::OrderConfirmed, Medium::Email, Locale::English, &fields).is_err());
        let own = Source { title: "{{total}}".into(), body: String::new(), html: None };
        assert!(fill(&own, Medium::InApp, Locale::English, &fields).is_err());
    }
}
