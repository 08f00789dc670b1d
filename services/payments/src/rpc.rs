//! What other services ask of payments.

use axum::Router;
use contracts::events::payments::{PaidLine, PaymentInitiated, RefundedItem, Share};
use contracts::proto::payments as api;
use contracts::proto::payments::payments_server::{Payments, PaymentsServer};
use contracts::{Money, PaymentId, VendorId};
use kit::Problem;
use kit::rpc::{id, status};
use tonic::{Request, Response, Status};

use crate::app::{App, Asked, Wanted};
use crate::domain::Payment;
use crate::error::Error;

/// The longest text that is kept of what others say, in characters.
const TEXT_MAX: usize = 500;

/// The gRPC side as a router.
pub(crate) fn router(app: App) -> Router {
    tonic::service::Routes::new(PaymentsServer::new(Rpc(app))).into_axum_router()
}

struct Rpc(App);

#[tonic::async_trait]
impl Payments for Rpc {
    async fn initiate(&self, request: Request<api::InitiateRequest>) -> Result<Response<api::Payment>, Status> {
        let wanted = wanted(request.into_inner())?;
        let payment_id = wanted.payment.payment_id;
        let payment = self.0.initiate(wanted).await.map_err(status)?;
        Ok(Response::new(message(payment_id, &payment)))
    }

    async fn void(&self, request: Request<api::VoidRequest>) -> Result<Response<api::Payment>, Status> {
        let r = request.into_inner();
        let payment_id = id(&r.payment_id)?;
        let payment = self.0.void(payment_id, id(&r.order_id)?, text(r.reason)).await.map_err(status)?;
        Ok(Response::new(message(payment_id, &payment)))
    }

    async fn refund(&self, request: Request<api::RefundRequest>) -> Result<Response<api::RefundResponse>, Status> {
        let r = request.into_inner();
        let item = |i: &api::RefundItem| Ok(RefundedItem { line_id: id(&i.line_id)?, quantity: i.quantity });
        let items = r.items.iter().map(item).collect::<Result<Vec<_>, Status>>()?;
        let shipping_of = r.shipping_of.iter().map(|v| id(v)).collect::<Result<Vec<VendorId>, Status>>()?;
        let wanted = match (r.amount, items.is_empty(), r.at_most) {
            (0, false, true) => Asked::ItemsAtMost(items, shipping_of),
            _ if !shipping_of.is_empty() => {
                return Err(Status::invalid_argument("shipping goes back with items, of which there may be less"));
            }
            (0, true, _) => Asked::Everything,
            (amount, true, _) => Asked::Amount(amount),
            (0, false, false) => Asked::Items(items),
            _ => return Err(Status::invalid_argument("a refund is of an amount or of items")),
        };
        let progress = self.0.refund(id(&r.payment_id)?, id(&r.refund_id)?, wanted, text(r.reason)).await.map_err(status)?;
        Ok(Response::new(api::RefundResponse { status: progress.status.as_str().into(), amount: progress.amount }))
    }

    async fn get_payment(&self, request: Request<api::GetPaymentRequest>) -> Result<Response<api::Payment>, Status> {
        let payment_id = id(&request.get_ref().payment_id)?;
        let payment = self.0.load(payment_id).await.map_err(status)?.ok_or_else(|| status(Error::NotFound))?;
        Ok(Response::new(message(payment_id, &payment)))
    }
}

fn wanted(r: api::InitiateRequest) -> Result<Wanted, Status> {
    let shares = r.shares.into_iter().map(|s| Ok(Share { vendor_id: id(&s.vendor_id)?, account: s.account, amount: s.amount }));
    let payment = PaymentInitiated {
        payment_id: id(&r.payment_id)?,
        order_id: id(&r.order_id)?,
        user_id: if r.user_id.is_empty() { None } else { Some(id(&r.user_id)?) },
        guest: Some(r.guest).filter(|g| !g.is_empty()),
        method: r.method,
        amount: money(r.amount)?,
        shares: shares.collect::<Result<_, Status>>()?,
        action_url: None,
        lines: r.lines.into_iter().map(line).collect::<Result<_, Status>>()?,
    };
    Ok(Wanted { payment, reference: text(r.reference) })
}

fn line(l: api::PaidLine) -> Result<PaidLine, Status> {
    let api::PaidLine { line_id, vendor_id, quantity, total, tax, commission } = l;
    Ok(PaidLine { line_id: id(&line_id)?, vendor_id: id(&vendor_id)?, quantity, total, tax, commission })
}

fn money(message: Option<api::Money>) -> Result<Money, Status> {
    let message = message.ok_or_else(|| Status::invalid_argument("a payment has an amount"))?;
    let currency =
        message.currency.parse().map_err(|e: contracts::MoneyError| Problem::unprocessable("unknown_currency", e.to_string()))?;
    Ok(Money::new(message.amount, currency))
}

fn message(id: PaymentId, payment: &Payment) -> api::Payment {
    let waiting = payment.status() == crate::domain::Status::RequiresAction;
    api::Payment {
        payment_id: id.to_string(),
        order_id: payment.order_id.to_string(),
        status: payment.status().as_str().into(),
        method: payment.method.clone(),
        amount: payment.amount().map(|a| api::Money { amount: a.amount, currency: a.currency.code().into() }),
        refunded: payment.refunded(),
        action_url: payment.action_url.clone().filter(|_| waiting).unwrap_or_default(),
    }
}

fn text(text: String) -> String {
    text.chars().take(TEXT_MAX).collect()
}
