//! The mailbox page: plain HTML with its style inside, and nothing that needs JavaScript.

use crate::domain::escape;
use crate::store::Mail;

const STYLE: &str = "\
body{margin:0;background:#eef2f0;color:#18231e;font:16px/1.5 system-ui,'Noto Sans Bengali',sans-serif}\
main{max-width:52rem;margin:0 auto;padding:2rem 1rem}h1{font-size:1.4rem;margin:0 0 .25rem}p.note{margin:0 0 1.5rem;color:#4c5d54}\
details{background:#fff;border-radius:12px;margin:0 0 .75rem;box-shadow:0 1px 4px #18231e1f;overflow:hidden}\
summary{cursor:pointer;padding:.9rem 1.1rem;display:grid;grid-template-columns:1fr auto;gap:.1rem 1rem;list-style:none}\
summary::-webkit-details-marker{display:none}summary:hover,summary:focus-visible{background:#f6f9f7}\
.subject{font-weight:600;overflow-wrap:anywhere}.to{grid-column:1;color:#4c5d54;font-size:.9rem;overflow-wrap:anywhere}\
time{color:#4c5d54;font-size:.85rem;white-space:nowrap}.mail{border-top:1px solid #dfe7e2}\
iframe{display:block;width:100%;height:34rem;border:0;background:#eef2f0}\
pre{margin:0;padding:1rem 1.1rem;white-space:pre-wrap;overflow-wrap:anywhere;font:.85rem/1.5 ui-monospace,monospace}\
.mail details{box-shadow:none;border-radius:0;margin:0;border-top:1px solid #dfe7e2}.mail summary{display:block;font-size:.9rem;color:#4c5d54}\
@media(prefers-color-scheme:dark){body{background:#101613;color:#e6eee9}details{background:#1a231e}summary:hover,summary:focus-visible{background:#212c26}\
p.note,.to,time,.mail summary{color:#9db0a5}.mail,.mail details{border-color:#2c3832}}";

/// The page of these messages, the first of them open.
pub(super) fn render(mails: &[Mail]) -> String {
    let list: String = mails.iter().enumerate().map(|(i, mail)| entry(mail, i == 0)).collect();
    let note = match mails.len() {
        0 => "Nothing has left yet. What would go to people by e-mail shows up here.".to_owned(),
        1 => "One message, as it would have left.".to_owned(),
        n => format!("The newest {n} messages, as they would have left."),
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>Mailbox</title><style>{STYLE}</style></head><body><main>\
         <h1>Mailbox</h1><p class=\"note\">{note}</p>{list}</main></body></html>"
    )
}

fn entry(mail: &Mail, open: bool) -> String {
    let (to, subject, text) = (escape(&mail.address), escape(&mail.title), escape(&mail.body));
    let time = mail.created_at.to_string();
    let shown = time.get(..19).unwrap_or(&time).replace('T', " ");
    let plain = format!("<pre>{text}</pre>");
    let body = match &mail.html {
        Some(html) => format!(
            "<iframe sandbox=\"allow-popups\" loading=\"lazy\" title=\"{subject}\" srcdoc=\"{}\"></iframe>\
             <details><summary>Plain text</summary>{plain}</details>",
            escape(html)
        ),
        None => plain,
    };
    let open = if open { " open" } else { "" };
    format!(
        "<details{open}><summary><span class=\"subject\">{subject}</span><time datetime=\"{time}\">{shown} UTC</time>\
         <span class=\"to\">{} to {to}</span></summary><div class=\"mail\">{body}</div></details>",
        escape(&mail.channel)
    )
}

#[cfg(test)]
mod tests {
    use contracts::{NotificationId, Time};

    use super::*;

    fn mail(title: &str, html: Option<&str>) -> Mail {
        Mail {
            id: NotificationId::default(),
            channel: "email".into(),
            address: "a\"<b>@haat.test".into(),
            title: title.into(),
            body: "</pre><script>alert(1)</script>".into(),
            html: html.map(str::to_owned),
            created_at: Time(1_767_225_600_000_000),
        }
    }

    #[test]
    fn nothing_that_others_wrote_is_markup() {
        let html = render(&[mail("<script>1</script>", Some("<p title=\"x\">\" onload=\"y</p>")), mail("plain", None)]);
        assert!(!html.contains("<script") && !html.contains("onload=\"y"), "{html}");
        assert!(html.contains("email to a&quot;&lt;b&gt;@haat.test") && html.contains("2026-01-01 00:00:00 UTC"), "{html}");
        assert_eq!(html.matches("<iframe").count(), 1);
        assert_eq!(html.matches("<details open>").count(), 1);
    }

    #[test]
    fn an_empty_mailbox_says_so() {
        assert!(render(&[]).contains("Nothing has left yet"));
    }
}
