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
use crate::domain::shipping::{Destination, SaleLine};

/// The gRPC side as a router.
pub(crate) fn router(app: App) -> Router {
    tonic::service::Routes::new(VendorsServer::new(Rpc(app))).into_axum_router()
}

struct Rpc(App);

#[tonic::async_trait]
impl Vendors for Rpc {
    async fn get_stores(&self, request: Request<api::GetStoresRequest>) -> Result<Response<api::GetStoresResponse>, Status> {
        let r = request.into_inner();
        let mut stores = self.0.stores(ids(&r.vendor_ids)?).await.map_err(status)?;
        stores.extend(self.0.stores_named(r.slugs).await.map_err(status)?);
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

    async fn sale_terms(&self, request: Request<api::SaleTermsRequest>) -> Result<Response<api::SaleTermsResponse>, Status> {
        let r = request.into_inner();
        let lines = r.lines.iter().map(line).collect::<Result<_, Status>>()?;
        let to = r.destination.map(|d| Destination { country: d.country, city: d.city, postal_code: d.postal_code });
        let (commission_basis_points, offers) = self.0.sale_terms(lines, to).await.map_err(status)?;
        let offers = offers.into_iter().map(|o| api::ShippingOffer {
            vendor_id: o.vendor.to_string(),
            method: o.code,
            name: o.name,
            amount: o.price.amount,
            currency: o.price.currency.code().to_owned(),
        });
        Ok(Response::new(api::SaleTermsResponse { commission_basis_points, offers: offers.collect() }))
    }
}

fn line(line: &api::SaleLine) -> Result<SaleLine, Status> {
    let currency = line.currency.parse().map_err(|_| Status::invalid_argument(format!("not a currency: {:?}", line.currency)))?;
    let vendor = id(&line.vendor_id)?;
    Ok(SaleLine { line: Line { vendor, categories: ids(&line.category_ids)?, amount: line.amount, currency }, grams: line.grams })
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
