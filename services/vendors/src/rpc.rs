//! What other services ask of stores.

use axum::Router;
use contracts::UserId;
use contracts::proto::vendors as api;
use contracts::proto::vendors::vendors_server::{Vendors, VendorsServer};
use kit::rpc::{id, ids, status};
use tonic::{Request, Response, Status};

use crate::app::App;
use crate::domain::Store;
use crate::domain::commission::Line;

/// The gRPC side as a router.
pub(crate) fn router(app: App) -> Router {
    tonic::service::Routes::new(VendorsServer::new(Rpc(app))).into_axum_router()
}

struct Rpc(App);

#[tonic::async_trait]
impl Vendors for Rpc {
    async fn get_stores(&self, request: Request<api::GetStoresRequest>) -> Result<Response<api::GetStoresResponse>, Status> {
        let stores = self.0.stores(ids(&request.get_ref().vendor_ids)?).await.map_err(status)?;
        Ok(Response::new(api::GetStoresResponse { stores: stores.iter().map(view).collect() }))
    }

    async fn stores_of_user(&self, request: Request<api::StoresOfUserRequest>) -> Result<Response<api::GetStoresResponse>, Status> {
        let stores = self.0.stores_of(id(&request.get_ref().user_id)?).await.map_err(status)?;
        Ok(Response::new(api::GetStoresResponse { stores: stores.iter().map(view).collect() }))
    }

    async fn ensure_store(&self, request: Request<api::EnsureStoreRequest>) -> Result<Response<api::Store>, Status> {
        let r = request.into_inner();
        let owner = if r.owner_id.is_empty() { None } else { Some(id::<UserId>(&r.owner_id)?) };
        Ok(Response::new(view(&self.0.ensure(r.slug, r.name, owner).await.map_err(status)?)))
    }

    async fn commission_rates(
        &self,
        request: Request<api::CommissionRatesRequest>,
    ) -> Result<Response<api::CommissionRatesResponse>, Status> {
        let lines = request.get_ref().lines.iter().map(line).collect::<Result<_, Status>>()?;
        let basis_points = self.0.commission_rates(lines).await.map_err(status)?;
        Ok(Response::new(api::CommissionRatesResponse { basis_points }))
    }
}

fn line(line: &api::CommissionLine) -> Result<Line, Status> {
    let currency = line.currency.parse().map_err(|_| Status::invalid_argument(format!("not a currency: {:?}", line.currency)))?;
    Ok(Line { vendor: id(&line.vendor_id)?, categories: ids(&line.category_ids)?, amount: line.amount, currency })
}

fn view(store: &Store) -> api::Store {
    api::Store {
        vendor_id: store.id.to_string(),
        slug: store.slug.clone(),
        name: store.name.clone(),
        status: store.status.clone(),
        owner_id: store.owner_id.map(|o| o.to_string()).unwrap_or_default(),
    }
}
