//! What other services ask of the catalog.

use axum::Router;
use contracts::proto::catalog as api;
use contracts::proto::catalog::catalog_server::{Catalog, CatalogServer};
use contracts::{ReservationId, Time, VariantId};
use kit::Problem;
use kit::rpc::{id, ids, status};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::app::{App, Standing, Store, Upserted};
use crate::domain::Attribute;
use crate::error::Error;
use crate::store::VariantRow;

/// The gRPC side as a router.
pub(crate) fn router(app: App) -> Router {
    tonic::service::Routes::new(CatalogServer::new(Rpc(app))).into_axum_router()
}

struct Rpc(App);

#[tonic::async_trait]
impl Catalog for Rpc {
    async fn get_variants(&self, request: Request<api::GetVariantsRequest>) -> Result<Response<api::GetVariantsResponse>, Status> {
        let r = request.into_inner();
        let (products, variants) = (ids::<Uuid>(&r.product_ids)?, ids::<Uuid>(&r.variant_ids)?);
        let found = self.0.variants(products, variants).await.map_err(status)?;
        let siblings = |v: &VariantRow| found.iter().filter(|o| o.product_id == v.product_id && !o.removed).count() as i64;
        let variants = found.iter().map(|v| variant(v, siblings(v))).collect();
        Ok(Response::new(api::GetVariantsResponse { variants }))
    }

    async fn reserve(&self, request: Request<api::ReserveRequest>) -> Result<Response<api::ReserveResponse>, Status> {
        let r = request.into_inner();
        let reservation = id::<ReservationId>(&r.reservation_id)?;
        let lines = lines(&r.lines)?;
        let shortages = match self.0.reserve(reservation, lines, Time(r.expires_at)).await {
            Ok(()) => Vec::new(),
            Err(Error::OutOfStock(shortages)) => shortages,
            Err(e) => return Err(status(e)),
        };
        let shortages = shortages.into_iter().map(|s| api::Shortage {
            variant_id: s.variant_id.to_string(),
            requested: s.requested,
            available: s.available,
        });
        Ok(Response::new(api::ReserveResponse { shortages: shortages.collect() }))
    }

    async fn commit(&self, request: Request<api::CommitRequest>) -> Result<Response<api::CommitResponse>, Status> {
        let reservation = id::<ReservationId>(&request.get_ref().reservation_id)?;
        let held = self.0.commit(reservation).await.map_err(status)?;
        Ok(Response::new(api::CommitResponse { held }))
    }

    async fn release(&self, request: Request<api::ReleaseRequest>) -> Result<Response<api::ReleaseResponse>, Status> {
        let r = request.get_ref();
        let (reservation, variants) = (id::<ReservationId>(&r.reservation_id)?, ids::<VariantId>(&r.variant_ids)?);
        match variants.is_empty() {
            true => self.0.release(reservation).await,
            false => self.0.release_some(reservation, variants).await,
        }
        .map_err(status)?;
        Ok(Response::new(api::ReleaseResponse {}))
    }

    async fn ship(&self, request: Request<api::ShipRequest>) -> Result<Response<api::ShipResponse>, Status> {
        let r = request.get_ref();
        self.0.ship(id(&r.reservation_id)?, ids(&r.variant_ids)?).await.map_err(status)?;
        Ok(Response::new(api::ShipResponse {}))
    }

    async fn restock(&self, request: Request<api::RestockRequest>) -> Result<Response<api::RestockResponse>, Status> {
        let r = request.get_ref();
        let lines = lines(&r.lines)?;
        self.0.restock(id(&r.reservation_id)?, id(&r.return_id)?, lines).await.map_err(status)?;
        Ok(Response::new(api::RestockResponse {}))
    }

    async fn ensure_warehouse(&self, request: Request<api::EnsureWarehouseRequest>) -> Result<Response<api::Warehouse>, Status> {
        let r = request.into_inner();
        let w = self.0.ensure_warehouse(r.code, r.name).await.map_err(status)?;
        Ok(Response::new(api::Warehouse { warehouse_id: w.id.to_string(), code: w.code, name: w.name }))
    }

    async fn ensure_category(&self, request: Request<api::EnsureCategoryRequest>) -> Result<Response<api::EnsureCategoryResponse>, Status> {
        let r = request.into_inner();
        let read = |text: &String| serde_json::from_str::<Attribute>(text).map_err(|e| Status::invalid_argument(e.to_string()));
        let attributes = r.attributes.iter().map(read).collect::<Result<_, _>>()?;
        if !r.check_only {
            let made = self.0.ensure_category(r.path, attributes).await;
            self.0.kept.forget();
            let category_id = made.map_err(status)?.to_string();
            return Ok(Response::new(api::EnsureCategoryResponse { category_id, above_id: String::new() }));
        }
        let assumed = r.assumed.into_iter().map(|path| path.names).collect();
        let answer = match self.0.check_category(r.path, attributes, assumed).await.map_err(status)? {
            Standing::There(id) => api::EnsureCategoryResponse { category_id: id.to_string(), above_id: String::new() },
            Standing::Missing(above) => {
                let above_id = above.map(|id| id.to_string()).unwrap_or_default();
                api::EnsureCategoryResponse { category_id: String::new(), above_id }
            }
        };
        Ok(Response::new(answer))
    }

    async fn import_products(&self, request: Request<api::ImportProductsRequest>) -> Result<Response<api::ImportProductsResponse>, Status> {
        let r = request.into_inner();
        let owner = Store { id: id(&r.vendor_id)?, name: r.vendor_name };
        let done = match r.check_only {
            true => self.0.check_import(owner.id, r.products).await,
            false => self.0.import(owner, r.products).await,
        };
        self.0.kept.forget();
        let results = done.map_err(status)?.into_iter().map(import_result).collect();
        Ok(Response::new(api::ImportProductsResponse { results }))
    }

    async fn repair_stock(&self, request: Request<api::RepairStockRequest>) -> Result<Response<api::RepairStockResponse>, Status> {
        let found = self.0.repair_stock(request.get_ref().dry_run).await.map_err(status)?;
        let differences = found.into_iter().map(|d| api::StockDifference {
            variant_id: d.variant_id.to_string(),
            warehouse_id: d.warehouse_id.to_string(),
            on_hand: d.on_hand,
            on_hand_right: d.on_hand_right,
            reserved: d.reserved,
            reserved_right: d.reserved_right,
        });
        Ok(Response::new(api::RepairStockResponse { differences: differences.collect() }))
    }

    async fn export_products(&self, request: Request<api::ExportProductsRequest>) -> Result<Response<api::ExportProductsResponse>, Status> {
        let r = request.into_inner();
        let vendor = if r.vendor_id.is_empty() { None } else { Some(id(&r.vendor_id)?) };
        let after = if r.after.is_empty() { None } else { Some(id(&r.after)?) };
        let (products, next) = self.0.export(vendor, after, r.limit.clamp(1, 500)).await.map_err(status)?;
        let products =
            products.iter().map(serde_json::to_string).collect::<Result<_, _>>().map_err(|e| Status::from(Problem::internal(e)))?;
        Ok(Response::new(api::ExportProductsResponse { products, next: next.map_or_else(String::new, |id| id.to_string()) }))
    }
}

fn lines(lines: &[api::ReserveLine]) -> Result<Vec<(VariantId, i64)>, Status> {
    let line = |l: &api::ReserveLine| match l.quantity {
        1..=1_000_000 => Ok((id::<VariantId>(&l.variant_id)?, l.quantity)),
        _ => Err(Problem::unprocessable("invalid_quantity", "a quantity is 1 to 1,000,000").into()),
    };
    lines.iter().map(line).collect()
}

fn import_result(done: Result<Upserted, Error>) -> api::ImportResult {
    let refused = |errors| api::ImportResult { outcome: "refused".into(), errors };
    let outcome = |text: &str| api::ImportResult { outcome: text.into(), errors: Vec::new() };
    match done {
        Ok(Upserted::Created) => outcome("created"),
        Ok(Upserted::Updated) => outcome("updated"),
        Ok(Upserted::Unchanged) => outcome("unchanged"),
        Err(Error::Invalid(errors)) => {
            refused(errors.into_iter().map(|e| api::ImportError { pointer: e.pointer, detail: e.detail }).collect())
        }
        Err(e) => refused(vec![api::ImportError { pointer: String::new(), detail: e.to_string() }]),
    }
}

fn variant(v: &VariantRow, siblings: i64) -> api::Variant {
    let title = if siblings > 1 { format!("{} ({})", v.product_title, v.variant.title) } else { v.product_title.clone() };
    api::Variant {
        variant_id: v.variant.id.to_string(),
        product_id: v.product_id.to_string(),
        vendor_id: v.vendor_id.to_string(),
        title,
        sku: v.variant.sku.clone(),
        kind: v.kind.as_str().into(),
        price: Some(api::Money { amount: v.variant.price.amount, currency: v.variant.price.currency.code().into() }),
        available: v.variant.available,
        buyable: v.published && !v.removed,
        category_ids: v.category_ids.iter().map(ToString::to_string).collect(),
        weight_grams: v.variant.weight_grams,
        siblings,
    }
}
