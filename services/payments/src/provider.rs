//! The parties that move money, behind one list: what each of them is asked, and how its answers are read.

use axum::http::HeaderMap;
use contracts::proto::sandbox::sandbox_client::SandboxClient;
use contracts::proto::sandbox::{CancelSessionRequest, CreateSessionRequest, GetSessionRequest, RefundRequest, Session};
use contracts::{Currency, Money, OrderId, PaymentId, RefundId, Time};
use kit::channel::Channel;
use kit::webhook::Secret;
use serde::Deserialize;

use crate::domain::{CASH_ON_DELIVERY, Charge};
use crate::error::Error;

/// How somebody can pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// The sandbox provider's hosted page.
    Sandbox,
    /// Cash on delivery: a promise that nobody outside has to be asked for.
    CashOnDelivery,
}

/// Every method, in the order in which they are offered.
pub(crate) const METHODS: [Method; 2] = [Method::Sandbox, Method::CashOnDelivery];

impl Method {
    /// As in the API, in events and in account names.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Sandbox => "sandbox",
            Method::CashOnDelivery => CASH_ON_DELIVERY,
        }
    }

    /// As shown to a shopper.
    pub fn title(self) -> &'static str {
        match self {
            Method::Sandbox => "Sandbox payment page",
            Method::CashOnDelivery => "Cash on delivery",
        }
    }

    /// By its name.
    pub fn parse(name: &str) -> Result<Method, Error> {
        METHODS.into_iter().find(|m| m.as_str() == name).ok_or_else(|| Error::UnknownMethod(name.chars().take(32).collect()))
    }
}

/// A payment as its provider sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Standing {
    /// Nothing was taken yet; the payer goes to the address, where there is one.
    Open(Option<String>),
    /// The money was taken.
    Charged(Charge),
    /// It will not be taken.
    Declined,
    /// We gave it up.
    Cancelled,
}

/// How a provider answered a refund. No answer is an error.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refunded {
    /// The money went back.
    Done,
    /// Never.
    Refused(String),
    /// By people: they say so when it is done.
    ByHand,
}

/// What a provider says by itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notice {
    /// Its kind, such as `charge.succeeded`.
    pub kind: String,
    /// The payment it is about.
    pub payment_id: PaymentId,
    /// What it means; none where it means nothing to us.
    pub standing: Option<Standing>,
}

/// A payment that is about to begin.
pub(crate) struct Opening {
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    pub amount: Money,
    /// As the payer's page shows it.
    pub reference: String,
}

/// The providers, ready to be asked.
#[derive(Clone)]
pub(crate) struct Providers {
    pub sandbox: SandboxClient<Channel>,
    pub sandbox_secret: Secret,
    pub public_url: String,
}

impl Providers {
    /// Opens a payment. Repeats with the same payment id find the one that is there.
    pub async fn open(&self, method: Method, wanted: Opening) -> Result<Standing, Error> {
        match method {
            Method::CashOnDelivery => Ok(Standing::Open(None)),
            Method::Sandbox => {
                let request = CreateSessionRequest {
                    payment_id: wanted.payment_id.to_string(),
                    amount: wanted.amount.amount,
                    currency: wanted.amount.currency.code().into(),
                    reference: wanted.reference,
                    webhook_url: format!("{}/api/v1/payments/webhooks/sandbox", self.public_url),
                    return_url: format!("{}/orders/{}", self.public_url, wanted.order_id),
                };
                standing(self.sandbox.clone().create_session(request).await)
            }
        }
    }

    /// Where a payment stands.
    pub async fn ask(&self, method: Method, id: PaymentId) -> Result<Standing, Error> {
        match method {
            Method::CashOnDelivery => Ok(Standing::Open(None)),
            Method::Sandbox => standing(self.sandbox.clone().get_session(GetSessionRequest { payment_id: id.to_string() }).await),
        }
    }

    /// Closes a payment that was not charged, also one that was never opened; the answer says which it was.
    pub async fn cancel(&self, method: Method, id: PaymentId) -> Result<Standing, Error> {
        match method {
            Method::CashOnDelivery => Ok(Standing::Cancelled),
            Method::Sandbox => standing(self.sandbox.clone().cancel_session(CancelSessionRequest { payment_id: id.to_string() }).await),
        }
    }

    /// Gives money back; the refund id is the key.
    pub async fn refund(&self, method: Method, id: PaymentId, refund: RefundId, amount: Money) -> Result<Refunded, Error> {
        match method {
            Method::CashOnDelivery => Ok(Refunded::ByHand),
            Method::Sandbox => {
                let request = RefundRequest { refund_id: refund.to_string(), payment_id: id.to_string(), amount: amount.amount };
                let answer = self.sandbox.clone().refund(request).await.map_err(|s| Error::from_call("sandbox", &s))?.into_inner();
                match answer.status.as_str() {
                    "succeeded" => Ok(Refunded::Done),
                    "failed" => Ok(Refunded::Refused(answer.error)),
                    other => Err(Error::Broken(format!("sandbox answered a refund with status {other:?}"))),
                }
            }
        }
    }

    /// The id of a message of the sandbox, if its signature fits and it was sent not long ago.
    pub fn verify_sandbox(&self, headers: &HeaderMap, now: Time, body: &[u8]) -> Result<String, Error> {
        Ok(format!("sandbox:{}", self.sandbox_secret.verify(headers, now, body)?))
    }
}

/// Reads a message of the sandbox that was verified.
pub(crate) fn read_sandbox_message(body: &[u8]) -> Result<Notice, Error> {
    let parsed: serde_json::Value = serde_json::from_slice(body).map_err(|e| Error::Malformed(format!("the webhook is not JSON: {e}")))?;
    let message = Message::deserialize(&parsed).map_err(|e| Error::Malformed(format!("the webhook does not fit: {e}")))?;
    let standing = match message.kind.as_str() {
        "charge.succeeded" => Some(Standing::Charged(message.data.charge()?)),
        "charge.declined" => Some(Standing::Declined),
        _ => None,
    };
    Ok(Notice { kind: message.kind, payment_id: message.data.payment_id, standing })
}

/// A webhook's body. What outsiders send may have more fields than we know.
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    data: MessageData,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageData {
    payment_id: PaymentId,
    charge_id: Option<String>,
    amount: Option<i64>,
    currency: Option<Currency>,
}

impl MessageData {
    fn charge(&self) -> Result<Charge, Error> {
        let missing = || Error::Malformed("a charge has chargeId, amount and currency".into());
        let amount = Money::new(self.amount.ok_or_else(missing)?, self.currency.ok_or_else(missing)?);
        Ok(Charge { method: Method::Sandbox.as_str().into(), reference: self.charge_id.clone().ok_or_else(missing)?, amount })
    }
}

fn standing(answer: Result<tonic::Response<Session>, tonic::Status>) -> Result<Standing, Error> {
    let session = answer.map_err(|s| Error::from_call("sandbox", &s))?.into_inner();
    match session.status.as_str() {
        "open" => Ok(Standing::Open(Some(session.url).filter(|u| !u.is_empty()))),
        "charged" => {
            let currency = session.currency.parse()?;
            let amount = Money::new(session.amount, currency);
            Ok(Standing::Charged(Charge { method: Method::Sandbox.as_str().into(), reference: session.charge_id, amount }))
        }
        "declined" => Ok(Standing::Declined),
        "cancelled" => Ok(Standing::Cancelled),
        "unknown" => Ok(Standing::Open(None)),
        other => Err(Error::Broken(format!("sandbox answered with status {other:?}"))),
    }
}
