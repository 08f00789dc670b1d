//! The provider's programming interface.

use axum::Router;
use contracts::proto::sandbox as api;
use contracts::proto::sandbox::sandbox_server::{Sandbox, SandboxServer};
use kit::rpc::{id, status};
use tonic::{Request, Response, Status};

use crate::app::{App, NewSession};
use crate::domain::Session;
use crate::store::Charge;

/// The gRPC side as a router.
pub(crate) fn router(app: App) -> Router {
    tonic::service::Routes::new(SandboxServer::new(Rpc(app))).into_axum_router()
}

struct Rpc(App);

impl Rpc {
    fn message(&self, session: &Session, charge: Option<Charge>) -> api::Session {
        api::Session {
            payment_id: session.payment_id.to_string(),
            status: session.status.as_str().into(),
            url: self.0.page_url(session),
            amount: session.amount,
            currency: session.currency.clone(),
            refunded: charge.as_ref().map_or(0, |c| c.refunded),
            charge_id: charge.map(|c| c.id.to_string()).unwrap_or_default(),
        }
    }
}

#[tonic::async_trait]
impl Sandbox for Rpc {
    async fn create_session(&self, request: Request<api::CreateSessionRequest>) -> Result<Response<api::Session>, Status> {
        let r = request.into_inner();
        let new = NewSession {
            payment_id: id(&r.payment_id)?,
            amount: r.amount,
            currency: r.currency,
            reference: r.reference,
            webhook_url: r.webhook_url,
            return_url: r.return_url,
        };
        let session = self.0.create(new).await.map_err(status)?;
        Ok(Response::new(self.message(&session, None)))
    }

    async fn get_session(&self, request: Request<api::GetSessionRequest>) -> Result<Response<api::Session>, Status> {
        let payment_id = id(&request.get_ref().payment_id)?;
        let unknown = || api::Session { payment_id: request.get_ref().payment_id.clone(), status: "unknown".into(), ..Default::default() };
        let found = self.0.session(payment_id).await.map_err(status)?;
        Ok(Response::new(found.map_or_else(unknown, |(session, charge)| self.message(&session, charge))))
    }

    async fn cancel_session(&self, request: Request<api::CancelSessionRequest>) -> Result<Response<api::Session>, Status> {
        let payment_id = id(&request.get_ref().payment_id)?;
        let (session, charge) = self.0.cancel(payment_id).await.map_err(status)?;
        Ok(Response::new(self.message(&session, charge)))
    }

    async fn refund(&self, request: Request<api::RefundRequest>) -> Result<Response<api::RefundResponse>, Status> {
        let r = request.into_inner();
        let refund = self.0.refund(id(&r.refund_id)?, id(&r.payment_id)?, r.amount).await.map_err(status)?;
        let status = if refund.error.is_empty() { "succeeded" } else { "failed" };
        Ok(Response::new(api::RefundResponse { status: status.into(), error: refund.error }))
    }
}
