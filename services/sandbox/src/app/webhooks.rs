//! Webhooks as real providers send them: signed, at least once, sometimes in the wrong order.

use bytes::Bytes;
use contracts::PaymentId;
use kit::jobs::{self, Job, JobOutcome};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::App;
use crate::domain::{Chaos, Session, Status};
use crate::error::Error;

/// The kind of the job that delivers.
pub(crate) const JOB: &str = "webhook";

/// When a delivery that failed is tried again the first time, in milliseconds.
const FIRST_RETRY_MS: i64 = 500;

/// The messages of one event, in the order in which they are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Delivery {
    /// Names it among the jobs.
    pub key: String,
    /// Whether the browser waits for it.
    pub early: bool,
    url: String,
    messages: Vec<Message>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    id: String,
    body: String,
}

impl Delivery {
    /// What is told about a session that the payer has answered, with the charge's bad habits.
    pub fn of(session: &Session, charge_id: Uuid, habits: Chaos, id: Uuid) -> Delivery {
        let kind = if session.status == Status::Charged { "charge.succeeded" } else { "charge.declined" };
        let news = message(format!("msg_{}", id.simple()), kind, session.payment_id, outcome(session, charge_id));
        let mut messages = vec![news.clone()];
        if habits.twice {
            messages.push(news);
        }
        if habits.out_of_order {
            messages.push(message(format!("msg_{}_0", id.simple()), "charge.pending", session.payment_id, Json::Null));
        }
        Delivery { key: id.to_string(), early: habits.early, url: session.webhook_url.clone(), messages }
    }

    /// As the job keeps it.
    pub fn payload(&self) -> Json {
        serde_json::to_value(self).expect("text always makes JSON")
    }
}

fn outcome(session: &Session, charge_id: Uuid) -> Json {
    match session.status {
        Status::Charged => json!({"chargeId": charge_id, "amount": session.amount, "currency": session.currency}),
        Status::Open | Status::Declined | Status::Cancelled => Json::Null,
    }
}

fn message(id: String, kind: &str, payment: PaymentId, mut data: Json) -> Message {
    data["paymentId"] = json!(payment);
    Message { body: json!({"id": id, "type": kind, "data": data}).to_string(), id }
}

impl App {
    /// Delivers right after the commit; what fails is left to the job.
    pub(super) async fn deliver_now(&self, delivery: Delivery) {
        let failure = self.deliver(&delivery).await.err();
        let key = delivery.key;
        let noted = self.db.write(move |tx| {
            let due = tx.now().plus_millis(FIRST_RETRY_MS);
            match &failure {
                None => jobs::finish(tx, JOB, &key)?,
                Some(error) => jobs::give_back(tx, JOB, &key, error, due)?,
            }
            Ok::<_, Error>(())
        });
        if let Err(e) = noted.await {
            tracing::warn!(error = %e, "a webhook's delivery could not be noted; it is repeated");
        }
    }

    /// Delivers until it is taken.
    pub(crate) async fn run_webhook_job(&self, job: Job) -> JobOutcome {
        let Ok(delivery) = Delivery::deserialize(&job.payload) else { return JobOutcome::Failed("a payload without messages".into()) };
        self.deliver(&delivery).await.map_or_else(JobOutcome::Retry, |()| JobOutcome::Done)
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<(), String> {
        for message in &delivery.messages {
            let mut headers = self.secret.sign(&message.id, self.clock.now(), message.body.as_bytes());
            headers.insert("content-type", axum::http::HeaderValue::from_static("application/json"));
            let body = Bytes::from(message.body.clone());
            let answer = self.outbound.post(&delivery.url, headers, body).await.map_err(|e| e.to_string())?;
            if !answer.status.is_success() {
                return Err(format!("{} answered {}", delivery.url, answer.status));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Answer;

    fn session(status: Status) -> Session {
        Session {
            payment_id: PaymentId(Uuid::from_u128(1)),
            token: None,
            status,
            answer: Some(Answer::Approve),
            amount: 100,
            currency: "BDT".into(),
            reference: String::new(),
            webhook_url: "http://haat.test/hook".into(),
            return_url: String::new(),
        }
    }

    fn kinds(delivery: &Delivery) -> Vec<String> {
        let kind = |m: &Message| serde_json::from_str::<Json>(&m.body).unwrap()["type"].as_str().unwrap().to_owned();
        delivery.messages.iter().map(kind).collect()
    }

    #[test]
    fn habits_show_in_the_messages() {
        let none = Chaos { twice: false, early: false, out_of_order: false };
        let of = |status, habits| Delivery::of(&session(status), Uuid::from_u128(2), habits, Uuid::from_u128(3));
        assert_eq!(kinds(&of(Status::Charged, none)), ["charge.succeeded"]);
        assert_eq!(kinds(&of(Status::Declined, none)), ["charge.declined"]);
        let all = of(Status::Charged, Chaos::default());
        assert_eq!(kinds(&all), ["charge.succeeded", "charge.succeeded", "charge.pending"]);
        assert_eq!(all.messages[0], all.messages[1], "the same message, not a second one");
        assert!(all.early);
        assert_eq!(Delivery::deserialize(all.payload()).unwrap(), all);
    }

    #[test]
    fn a_charge_says_how_much_and_a_refusal_does_not() {
        let data = |status| {
            let delivery = Delivery::of(&session(status), Uuid::from_u128(2), Chaos::default(), Uuid::from_u128(3));
            serde_json::from_str::<Json>(&delivery.messages[0].body).unwrap()["data"].clone()
        };
        let id = Uuid::from_u128(1);
        assert_eq!(data(Status::Charged), json!({"chargeId": Uuid::from_u128(2), "amount": 100, "currency": "BDT", "paymentId": id}));
        assert_eq!(data(Status::Declined), json!({"paymentId": id}));
    }
}
