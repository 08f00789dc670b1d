//! Mail by SMTP, one connection per mail.

use std::time::{Duration, SystemTime};

use contracts::Time;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::config::{Security, Smtp};
use crate::domain::{Answer, Outcome};
use crate::store::Outgoing;

/// A server that takes mail.
pub(crate) struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// What comes behind the `@` of message ids, and whom this client says it is.
    domain: String,
    /// How long handing over one mail may take.
    patience: Duration,
}

/// A mail has several answers to wait for, each with the configured timeout; together they may take this many times it.
const TIMEOUTS_PER_MAIL: u32 = 3;

impl Server {
    /// Nothing is connected yet; a mistake in the configuration is named.
    pub fn new(config: &Smtp, public_url: &str) -> Result<Server, String> {
        let domain = domain_of(public_url);
        let (tls, port) = match config.security {
            Security::Starttls => (Tls::Required(parameters(config)?), 587),
            Security::Tls => (Tls::Wrapper(parameters(config)?), 465),
            Security::None => (Tls::None, 25),
        };
        let timeout = Duration::from_secs(config.timeout_seconds);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port.unwrap_or(port))
            .tls(tls)
            .hello_name(ClientId::Domain(domain.clone()))
            .timeout(Some(timeout));
        if let (Some(user), Some(password)) = (&config.username, &config.password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Server { transport: builder.build(), from: config.sender()?, domain, patience: timeout * TIMEOUTS_PER_MAIL })
    }

    /// Hands a mail over. What the server refuses with 5xx it will always refuse; everything else is tried again.
    pub async fn send(&self, mail: &Outgoing, now: Time) -> Answer {
        let message = match self.message(mail, now) {
            Ok(message) => message,
            Err(reason) => return Answer::new(Outcome::Never, &reason),
        };
        match tokio::time::timeout(self.patience, self.transport.send(message)).await {
            Ok(Ok(response)) => {
                let words: Vec<&str> = response.message().collect();
                Answer::new(Outcome::Sent, &format!("{} {}", response.code(), words.join(" ")))
            }
            Ok(Err(e)) => Answer::new(if e.is_permanent() { Outcome::Never } else { Outcome::Later }, &in_words(&e)),
            Err(_) => Answer::new(Outcome::Later, &format!("no answer within {} s", self.patience.as_secs())),
        }
    }

    /// The mail as it goes over the wire. Its id and boundary follow from the message's id: a mail that is sent twice,
    /// because the first answer was lost, is known as one.
    fn message(&self, mail: &Outgoing, now: Time) -> Result<Message, String> {
        let to = mail.address.parse().map_err(|e| format!("not an address: {e}"))?;
        let since_1970 = Duration::from_secs(u64::try_from(now.unix_seconds()).unwrap_or(0));
        let headed = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.title.as_str())
            .date(SystemTime::UNIX_EPOCH + since_1970)
            .message_id(Some(format!("<{}@{}>", mail.id, self.domain)));
        let built = match &mail.html {
            Some(html) => headed.multipart(
                MultiPart::alternative()
                    .boundary(format!("haat-{}", mail.id))
                    .singlepart(SinglePart::plain(mail.body.clone()))
                    .singlepart(SinglePart::html(html.clone())),
            ),
            None => headed.header(ContentType::TEXT_PLAIN).body(mail.body.clone()),
        };
        let mut message = built.map_err(|e| e.to_string())?;
        if let Some(url) = &mail.unsubscribe_url {
            // One click turns off mails of this kind (RFC 2369 and RFC 8058).
            for (name, value) in [("List-Unsubscribe", format!("<{url}>")), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".into())]
            {
                let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|e| e.to_string())?;
                message.headers_mut().insert_raw(HeaderValue::dangerous_new_pre_encoded(name, value.clone(), value));
            }
        }
        Ok(message)
    }
}

fn parameters(config: &Smtp) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(file) = &config.ca_file {
        let pem = std::fs::read(file).map_err(|e| format!("smtp.ca_file: cannot read {}: {e}", file.display()))?;
        let authority = Certificate::from_pem(&pem).map_err(|e| format!("smtp.ca_file: {}: {e}", file.display()))?;
        builder = builder.add_root_certificate(authority);
    }
    builder.build().map_err(|e| format!("smtp.host: {e}"))
}

/// The host in an address such as `https://haat.example:8443`.
fn domain_of(url: &str) -> String {
    let host = url.split("://").nth(1).unwrap_or(url).split(['/', ':']).next().unwrap_or("");
    if host.is_empty() { "localhost".into() } else { host.to_owned() }
}

fn in_words(e: &lettre::transport::smtp::Error) -> String {
    let mut words = e.to_string();
    let mut cause = std::error::Error::source(e);
    while let Some(inner) = cause {
        let inner_words = inner.to_string();
        if !words.contains(&inner_words) {
            words = format!("{words}: {inner_words}");
        }
        cause = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_is_that_of_the_public_address() {
        for (url, expected) in [("https://haat.example:8443", "haat.example"), ("http://127.0.0.1:8080", "127.0.0.1"), ("", "localhost")] {
            assert_eq!(domain_of(url), expected);
        }
    }
}
