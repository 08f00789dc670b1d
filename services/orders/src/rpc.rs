//! What other services ask of orders.

use axum::Router;
use contracts::proto::orders as api;
use contracts::proto::orders::orders_server::{Orders, OrdersServer};
use kit::Problem;
use kit::rpc::{id, status};
use tonic::{Request, Response, Status};

use crate::app::{App, Brought, Viewer, view};
use crate::domain::ImportedOrderInput;
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

    async fn import_orders(&self, request: Request<api::ImportOrdersRequest>) -> Result<Response<api::ImportOrdersResponse>, Status> {
        let r = request.into_inner();
        let parsed: Vec<Result<ImportedOrderInput, String>> =
            r.orders.iter().map(|o| serde_json::from_str(o).map_err(|e| e.to_string())).collect();
        let good = parsed.iter().filter_map(|p| p.as_ref().ok().cloned()).collect();
        let mut done = self.0.import(good, r.check_only, r.check_only && r.assume_stores).await.map_err(status)?.into_iter();
        let results = parsed.into_iter().map(|p| match p {
            Ok(_) => done.next().map_or_else(|| unread("no answer".into()), result),
            Err(text) => unread(text),
        });
        Ok(Response::new(api::ImportOrdersResponse { results: results.collect() }))
    }

    async fn export_orders(&self, request: Request<api::ExportOrdersRequest>) -> Result<Response<api::ExportOrdersResponse>, Status> {
        let r = request.into_inner();
        let after = if r.after.is_empty() { None } else { Some(id(&r.after)?) };
        let (orders, next) = self.0.export(after, r.limit.clamp(1, 500)).await.map_err(status)?;
        let orders = orders.iter().map(serde_json::to_string).collect::<Result<_, _>>().map_err(|e| Status::from(Problem::internal(e)))?;
        Ok(Response::new(api::ExportOrdersResponse { orders, next: next.map_or_else(String::new, |id| id.to_string()) }))
    }
}

fn unread(detail: String) -> api::ImportOrderResult {
    api::ImportOrderResult { outcome: "refused".into(), errors: vec![api::ImportOrderError { pointer: String::new(), detail }] }
}

fn result(brought: Brought) -> api::ImportOrderResult {
    let error = |e: kit::problem::FieldError| api::ImportOrderError { pointer: e.pointer, detail: e.detail };
    let (outcome, errors) = brought.told();
    api::ImportOrderResult { outcome: outcome.into(), errors: errors.into_iter().map(error).collect() }
}
