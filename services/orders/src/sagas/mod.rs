//! The sagas of orders: how an order is fulfilled, how a confirmed one is undone, and how goods come back.

mod cancellation;
mod fulfilment;
mod returning;

use contracts::events::payments::PaidLine;
use contracts::proto::cart::cart_client::CartClient;
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::payments::payments_client::PaymentsClient;
use contracts::{Money, OrderId, OrderLineId, PaymentId, RefundId, Time, UserId, VariantId, VendorId};
use kit::channel::Channel;
use kit::saga::{Call, Definition, Outcome};
use kit::{DbError, problem};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::app::Taken;
use crate::domain::Settlement;
use crate::domain::pricing::Share;

/// The saga from the held stock to the delivered order.
pub(crate) const FULFILMENT: &str = "order_fulfilment";
/// The saga that gives the money of a confirmed order back, then its stock.
pub(crate) const CANCELLATION: &str = "order_cancellation";
/// The saga from a shopper's wish to send something back to the restocked goods.
pub(crate) const RETURN: &str = "return";
/// The step that waits for the store's answer.
pub(crate) const APPROVE_RETURN: &str = "approve";
/// The step that waits for the goods.
pub(crate) const RECEIVE_RETURN: &str = "receive";
/// The first step of a fulfilment: its effect is there before the saga begins.
pub(crate) const RESERVE: &str = "reserve_inventory";
/// The step that waits for the payer.
pub(crate) const AWAIT_PAYMENT: &str = "await_payment";

/// Whom the sagas call.
#[derive(Clone)]
pub(crate) struct Callees {
    pub catalog: CatalogClient<Channel>,
    pub cart: CartClient<Channel>,
    pub payments: PaymentsClient<Channel>,
}

/// What a fulfilment knows. Nothing of people: it lies in the saga's row for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fulfilment {
    pub payment_id: PaymentId,
    /// What is still to be asked of payments; absent once it was.
    pub charge: Option<Charge>,
    /// The cart that is still to be emptied.
    pub cart: Option<Taken>,
    /// Scope and key of the request that still waits for its answer.
    pub key: Option<(String, String)>,
    /// Until when the payer may act.
    pub deadline: Time,
    /// Whether the money is there or promised; absent while the payer is awaited.
    pub settlement: Option<Settlement>,
    /// Whether a part has no carrier.
    pub digital: bool,
}

/// A payment to begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Charge {
    pub user_id: Option<UserId>,
    /// The hash of the guest's cart token.
    pub guest: Option<String>,
    pub method: String,
    pub amount: Money,
    pub shares: Vec<Share>,
    pub lines: Vec<PaidLine>,
    /// The order's number.
    pub reference: String,
}

/// What a cancellation knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cancellation {
    pub payment_id: PaymentId,
    /// What was called off; none for the whole order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<CalledOff>,
}

/// Parts that were called off while others stay sold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CalledOff {
    pub lines: Vec<BackLine>,
    /// The stores whose shipping goes back too.
    pub stores: Vec<VendorId>,
}

/// What a return knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Returning {
    pub order_id: OrderId,
    pub payment_id: PaymentId,
    pub lines: Vec<BackLine>,
    /// Until when the store may answer.
    pub answer_by: Time,
    /// How long the goods may take once it has agreed.
    pub receive_seconds: i64,
    /// Until when they are waited for.
    pub receive_by: Time,
}

/// Pieces that come back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BackLine {
    pub line_id: OrderLineId,
    pub variant_id: VariantId,
    pub quantity: i64,
}

/// Every definition that a saga in the database may have begun with.
pub(crate) fn definitions(callees: &Callees, complete_after_seconds: i64) -> Vec<Definition> {
    vec![
        fulfilment::definition(callees, complete_after_seconds),
        cancellation::definition(callees),
        returning::definition(callees, complete_after_seconds),
    ]
}

/// A saga's data as its type.
fn data<T: DeserializeOwned>(json: &Json) -> Result<T, DbError> {
    T::deserialize(json).map_err(|e| DbError::Internal(format!("saga data: {e}")))
}

/// A saga's data as it is stored.
fn stored(data: &impl Serialize) -> Result<Json, DbError> {
    serde_json::to_value(data).map_err(|e| DbError::Internal(format!("saga data: {e}")))
}

/// What a call is told of its saga.
fn known<T: DeserializeOwned>(call: &Call) -> Result<T, Outcome> {
    data(&call.data).map_err(|e| Outcome::Unknown(e.to_string()))
}

/// The outcome of a call that gives its result, or how it failed.
async fn outcome(call: impl Future<Output = Result<Json, Outcome>>) -> Outcome {
    call.await.map_or_else(|failed| failed, Outcome::Done)
}

/// The id of the refund that a step asks for: the same in every repeat of the step.
fn refund_id(key: &str) -> RefundId {
    RefundId(Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()))
}

/// How a call that failed ended: what the callee refused is final, everything else nobody knows.
fn failed(status: Status) -> Outcome {
    match status.code() {
        Code::InvalidArgument | Code::NotFound | Code::AlreadyExists | Code::FailedPrecondition | Code::PermissionDenied => {
            Outcome::Refused(problem::status_code_of(&status).unwrap_or("refused").to_owned())
        }
        _ => Outcome::Unknown(format!("{:?}: {}", status.code(), status.message())),
    }
}
