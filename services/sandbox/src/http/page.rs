//! The hosted page: plain HTML with its style inside, and nothing that needs JavaScript.

use kit::http::escape;

use crate::domain::{Session, Status};

const STYLE: &str = "\
body{margin:0;min-height:100vh;display:grid;place-items:center;background:#eef2f0;color:#18231e;font:16px/1.5 system-ui,sans-serif}\
main{width:min(26rem,calc(100vw - 2rem));background:#fff;border-radius:14px;box-shadow:0 8px 30px #18231e1f;padding:2rem;box-sizing:border-box}\
h1{font-size:1rem;margin:0 0 1.5rem;color:#4c5d54;font-weight:600}.amount{font-size:2rem;font-weight:700;margin:0}\
.reference{margin:.25rem 0 1.75rem;color:#4c5d54;overflow-wrap:anywhere}form{display:grid;gap:.75rem}\
button{font:inherit;font-weight:600;padding:.8rem 1rem;border-radius:10px;border:1px solid #b9c7bf;background:#fff;color:inherit;cursor:pointer}\
button:hover,button:focus-visible{border-color:#18231e}button.pay{background:#0b6b47;border-color:#0b6b47;color:#fff}\
.state{padding:.9rem 1rem;border-radius:10px;background:#eef2f0;margin:0 0 1.25rem}a{color:#0b6b47;font-weight:600}\
small{display:block;margin-top:1.5rem;color:#66756d}\
@media(prefers-color-scheme:dark){body{background:#101613;color:#e6eee9}main{background:#1a231e}button{background:#1a231e;border-color:#46564d}\
h1,.reference,small{color:#9db0a5}.state{background:#101613}a{color:#5cc79b}}";

/// The page of a session as it stands.
pub(super) fn render(session: &Session) -> String {
    let amount = session.money().map_or_else(|_| String::new(), |m| m.to_string());
    let body = match (session.status, &session.token) {
        (Status::Open, Some(token)) => form(token),
        (Status::Charged, _) => state(session, "This payment was approved."),
        (Status::Declined, _) => state(session, "This payment was declined. Nothing was charged."),
        (Status::Open | Status::Cancelled, _) => state(session, "This payment was cancelled by the shop. Nothing was charged."),
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>Sandbox payment</title><style>{STYLE}</style></head><body><main>\
         <h1>Sandbox payment</h1><p class=\"amount\">{}</p><p class=\"reference\">Order {}</p>{body}\
         <small>This is a test provider. No money moves, and no card number is asked for.</small></main></body></html>",
        escape(&amount),
        escape(&session.reference)
    )
}

fn form(token: &str) -> String {
    let path = format!("/sandbox/pay/{}", escape(token));
    format!(
        "<form method=\"post\"><button class=\"pay\" formaction=\"{path}/approve\">Approve</button>\
         <button formaction=\"{path}/decline\">Decline</button>\
         <button formaction=\"{path}/timeout\">Approve, but never come back</button></form>"
    )
}

fn state(session: &Session, text: &str) -> String {
    format!("<p class=\"state\">{text}</p><a href=\"{}\">Back to the shop</a>", escape(&session.return_url))
}

#[cfg(test)]
mod tests {
    use contracts::PaymentId;

    use super::*;

    fn session(status: Status) -> Session {
        Session {
            payment_id: PaymentId::default(),
            token: Some("abc".into()),
            status,
            answer: None,
            amount: 129_900,
            currency: "BDT".into(),
            reference: "HT-1<script>alert('x')</script>".into(),
            webhook_url: String::new(),
            return_url: "http://haat.test/orders/1?a=1&b=\"2\"".into(),
        }
    }

    #[test]
    fn an_open_page_has_a_button_for_each_answer() {
        let html = render(&session(Status::Open));
        for part in ["BDT 1,299.00", "/sandbox/pay/abc/approve", "/sandbox/pay/abc/decline", "/sandbox/pay/abc/timeout"] {
            assert!(html.contains(part), "{part}");
        }
    }

    #[test]
    fn an_answered_page_has_none_and_leads_back() {
        for status in [Status::Charged, Status::Declined, Status::Cancelled] {
            let html = render(&session(status));
            assert!(!html.contains("<button"), "{status:?}");
            assert!(html.contains("href=\"http://haat.test/orders/1?a=1&amp;b=&quot;2&quot;\""));
        }
    }

    #[test]
    fn nothing_that_others_sent_is_markup() {
        let html = render(&session(Status::Open));
        assert!(!html.contains("<script"));
        assert!(html.contains("HT-1&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    }
}
