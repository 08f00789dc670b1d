//! What other services ask of carts.

use axum::Router;
use contracts::proto::cart as api;
use contracts::proto::cart::cart_server::{Cart, CartServer};
use contracts::{CartId, OrderId, VariantId};
use kit::Caller;
use kit::rpc::{id, status};
use tonic::{Request, Response, Status};

use crate::app::App;
use crate::domain::Owner;

/// The gRPC side as a router.
pub(crate) fn router(app: App) -> Router {
    tonic::service::Routes::new(CartServer::new(Rpc(app))).into_axum_router()
}

struct Rpc(App);

#[tonic::async_trait]
impl Cart for Rpc {
    async fn get_cart(&self, request: Request<api::GetCartRequest>) -> Result<Response<api::GetCartResponse>, Status> {
        let owner = owner(request.into_inner().owner)?;
        let cart_id = owner.cart_id();
        let lines = self.0.lines(cart_id).await.map_err(status)?;
        let lines =
            lines.into_iter().map(|l| api::Line { item_id: l.id.to_string(), variant_id: l.variant_id.to_string(), quantity: l.quantity });
        Ok(Response::new(api::GetCartResponse { cart_id: cart_id.to_string(), lines: lines.collect() }))
    }

    async fn check_out(&self, request: Request<api::CheckOutRequest>) -> Result<Response<api::CheckOutResponse>, Status> {
        let r = request.into_inner();
        let (cart, order) = (id::<CartId>(&r.cart_id)?, id::<OrderId>(&r.order_id)?);
        let lines = r.lines.iter().map(|l| Ok((id::<VariantId>(&l.variant_id)?, l.quantity))).collect::<Result<_, Status>>()?;
        self.0.check_out(cart, order, lines).await.map_err(status)?;
        Ok(Response::new(api::CheckOutResponse {}))
    }
}

fn owner(owner: Option<api::Owner>) -> Result<Owner, Status> {
    match owner {
        Some(o) if !o.user_id.is_empty() => Ok(Owner::User(id(&o.user_id)?)),
        Some(o) if !o.cart_token.is_empty() => {
            let guest = Caller { cart_token: Some(o.cart_token), ..Caller::default() };
            Ok(Owner::Guest(guest.guest_hash().unwrap_or_default()))
        }
        _ => Err(Status::invalid_argument("an owner is a user or a cart token")),
    }
}
