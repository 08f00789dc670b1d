//! A mail's plain text as a page. Made from the text, so that the two always say the same.

use super::Locale;

const CARD: &str = "max-width:34rem;margin:0 auto;background:#ffffff;border-radius:12px;padding:28px 28px 20px;\
    font:16px/1.6 system-ui,'Noto Sans Bengali',sans-serif;color:#18231e";
const BUTTON: &str =
    "display:inline-block;background:#0b6b47;color:#ffffff;text-decoration:none;font-weight:600;padding:12px 18px;border-radius:10px";

/// Text that is safe between tags and inside quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    handlebars::html_escape(text)
}

/// The page: blank lines part paragraphs, `- ` begins an item of a list, an address alone is a button.
pub(super) fn page(title: &str, text: &str, locale: Locale) -> String {
    let paragraphs: String = text.split("\n\n").map(str::trim).filter(|p| !p.is_empty()).map(|p| paragraph(p, locale)).collect();
    let (lang, title) = (locale.as_str(), escape(title));
    format!(
        "<!doctype html><html lang=\"{lang}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title></head><body style=\"margin:0;padding:24px 12px;background:#eef2f0\"><div style=\"{CARD}\">\
         <h1 style=\"font-size:20px;line-height:1.3;margin:0 0 16px\">{title}</h1>{paragraphs}</div></body></html>"
    )
}

/// A page, with the link that turns off mails like it at its end.
pub(super) fn footed(html: &str, words: &str, url: &str) -> String {
    let footer = format!(
        "<p style=\"max-width:34rem;margin:12px auto;font:13px/1.5 system-ui,'Noto Sans Bengali',sans-serif;color:#4c5d54\">\
         <a style=\"color:#4c5d54\" target=\"_blank\" rel=\"noopener\" href=\"{}\">{}</a></p>",
        escape(url),
        escape(words)
    );
    let end = html.rfind("</body>").unwrap_or(html.len());
    format!("{}{footer}{}", &html[..end], &html[end..])
}

fn paragraph(text: &str, locale: Locale) -> String {
    if is_address(text) {
        let label = match locale {
            Locale::English => "Open",
            Locale::Bangla => "খুলুন",
        };
        let href = escape(text);
        return format!(
            "<p style=\"margin:20px 0\"><a style=\"{BUTTON}\" target=\"_blank\" rel=\"noopener\" href=\"{href}\">{label}</a></p>"
        );
    }
    if text.lines().all(|l| l.starts_with("- ")) {
        let items: String = text.lines().map(|l| format!("<li>{}</li>", escape(&l[2..]))).collect();
        return format!("<ul style=\"margin:0 0 16px;padding-left:20px\">{items}</ul>");
    }
    let lines: Vec<String> = text.lines().map(escape).collect();
    format!("<p style=\"margin:0 0 16px\">{}</p>", lines.join("<br>"))
}

fn is_address(text: &str) -> bool {
    (text.starts_with("http://") || text.starts_with("https://")) && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_paragraphs_lists_and_buttons() {
        let html = page("A <b>", "Hello\nyou,\n\n- one\n- <two>\n\n\nhttp://haat.test/orders/1?a=\"b\"\n", Locale::English);
        for part in [
            "<title>A &lt;b&gt;</title>",
            ">Hello<br>you,</p>",
            "<li>one</li><li>&lt;two&gt;</li>",
            "href=\"http://haat.test/orders/1?a&#x3D;&quot;b&quot;\">Open</a>",
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert!(!html.contains("<two>") && !html.contains("<b>"));
    }

    #[test]
    fn the_footer_stands_within_the_page() {
        let html = footed(&page("T", "text", Locale::English), "no & more", "http://haat.test/x?a=1&b=2");
        assert!(html.contains("href=\"http://haat.test/x?a&#x3D;1&amp;b&#x3D;2\">no &amp; more</a></p></body></html>"), "{html}");
        assert!(footed("<b>own</b>", "w", "u").starts_with("<b>own</b><p "));
    }

    #[test]
    fn an_address_within_a_sentence_stays_text() {
        assert!(!page("T", "javascript:alert(1)\n\nsee http://a.test now", Locale::Bangla).contains("<a "));
    }
}
