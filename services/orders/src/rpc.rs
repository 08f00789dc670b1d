//! What other services ask of orders.

use axum::Router;
use contracts::proto::orders as api;
use contracts::proto::orders::orders_server::{Orders, OrdersServer};
use kit::Problem;
use kit::rpc::{id, status};
use tonic::{Request, Response, Status};

use crate::app::{App, Viewer, view};
use crate::error::Error;

/// The gRPC side as a router.
pub(crate) fn router(app: App) -> Router {
    tonic::service::Routes::new(OrdersServer::new(Rpc(app))).into_axum_router()
}

struct Rpc(App);

#[tonic::async_trait]
impl Orders for Rpc {
    async fn get_order(&self, request: Request<api::GetOrderRequest>) -> Result<Response<api::GetOrderResponse>, Status> {
        let everything = Viewer { user: None, guest: None, staff: true };
        let found = match self.0.order(everything, id(&request.get_ref().order_id)?).await {
            Ok(found) => found,
            Err(Error::NoOrder) => return Ok(Response::new(api::GetOrderResponse::default())),
            Err(e) => return Err(status(e)),
        };
        let view = view::order(&found.order, &found.contact);
        let order = serde_json::to_string(&view).map_err(|e| Status::from(Problem::internal(e)))?;
        Ok(Response::new(api::GetOrderResponse { order: Some(order), email: found.contact.email.unwrap_or_default() }))
    }
}
