//! Who takes messages to the outside.

mod address;
mod courier;
mod smtp;

use std::sync::Arc;

use contracts::{NotificationId, Time};
use kit::trace::{Kind, Span};

pub(crate) use courier::Courier;

use crate::NAME;
use crate::config::Config;
use crate::domain::{Answer, Outcome};
use crate::store::Outgoing;

/// Who takes mails.
#[derive(Clone)]
pub(crate) enum Mailer {
    /// The mailbox of the development profile: they go nowhere.
    Mailbox,
    /// A server.
    Smtp(Arc<smtp::Server>),
    /// Nobody is configured.
    Nobody,
}

impl Mailer {
    /// The configured server; without one the mailbox in development, and nobody elsewhere.
    pub fn new(config: &Config, development: bool, public_url: &str) -> Result<Mailer, String> {
        match &config.smtp {
            Some(server) => Ok(Mailer::Smtp(Arc::new(smtp::Server::new(server, public_url)?))),
            None if development => Ok(Mailer::Mailbox),
            None => Ok(Mailer::Nobody),
        }
    }

    /// What whoever runs this should know.
    pub fn notice(&self) -> Option<&'static str> {
        matches!(self, Mailer::Nobody).then_some("no mail leaves: services.notifications.smtp is not configured")
    }

    /// The answer where nobody need be asked for it: it is taken.
    pub fn at_once(&self) -> Option<Answer> {
        matches!(self, Mailer::Mailbox).then(|| Answer::new(Outcome::Sent, "kept in the development mailbox"))
    }

    /// Hands a mail over.
    pub async fn send(&self, mail: &Outgoing, now: Time) -> Answer {
        match self {
            Mailer::Mailbox => Answer::new(Outcome::Sent, "kept in the development mailbox"),
            Mailer::Smtp(server) => {
                let mut span = Span::begin(NAME, Kind::Client, || "send mail".into());
                let answer = server.send(mail, now).await;
                said(&mut span, mail.id, &answer);
                answer
            }
            Mailer::Nobody => Answer::new(Outcome::Never, "no mail server is configured (services.notifications.smtp)"),
        }
    }
}

/// What a trace says of a mail: nothing of whom it is to.
pub(crate) fn said(span: &mut Span, id: NotificationId, answer: &Answer) {
    span.set("haat.notification.id", id.to_string());
    // Its own words may name the reader.
    match answer.outcome {
        Outcome::Sent => {}
        Outcome::Later => span.fail(&"not taken for now"),
        Outcome::Never => span.fail(&"refused for good"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_development_nothing_is_taken_for_sent_without_a_server() {
        let mailer = |development| Mailer::new(&Config::default(), development, "http://haat.test").unwrap();
        assert!(mailer(true).at_once().is_some());
        assert!(mailer(false).at_once().is_none());
    }
}
