//! An identity service that knows who a test says, and writes down the roles that it is asked to give.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use contracts::UserId;
use contracts::proto::identity as api;
use contracts::proto::identity::identity_server::{Identity, IdentityServer};
use kit::{Service, ServiceDef};
use tonic::{Request, Response, Status};
use utoipa::openapi::OpenApi;

pub const SERVICE: ServiceDef = ServiceDef {
    name: "identity",
    migrations: &[],
    calls: &[],
    reads: &[],
    describe: || (Vec::new(), OpenApi::default()),
    keys: Vec::new,
    sealed: None,
    check_config: |_| Ok(()),
    build: |_| {
        let rpc = tonic::service::Routes::new(IdentityServer::new(Known)).into_axum_router();
        Ok(Service { rpc, ..Service::default() })
    },
};

/// Users with the roles that were given to them. Ids are unique, so tests that run at once do not meet.
static USERS: LazyLock<Mutex<Users>> = LazyLock::new(Mutex::default);

type Users = Vec<(String, Vec<String>)>;

fn users() -> MutexGuard<'static, Users> {
    USERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a user known.
pub fn know(user: UserId) {
    users().push((user.to_string(), Vec::new()));
}

/// The roles that a user was given.
pub fn given(user: UserId) -> Vec<String> {
    users().iter().find(|(id, _)| *id == user.to_string()).map(|(_, roles)| roles.clone()).unwrap_or_default()
}

struct Known;

#[tonic::async_trait]
impl Identity for Known {
    async fn get_user(&self, request: Request<api::GetUserRequest>) -> Result<Response<api::GetUserResponse>, Status> {
        let id = request.into_inner().user_id;
        let user = users().iter().any(|(known, _)| *known == id).then(|| api::User { user_id: id, ..Default::default() });
        Ok(Response::new(api::GetUserResponse { user }))
    }

    async fn grant_role(&self, request: Request<api::GrantRoleRequest>) -> Result<Response<api::GrantRoleResponse>, Status> {
        let api::GrantRoleRequest { user_id, role } = request.into_inner();
        users().iter_mut().filter(|(id, _)| *id == user_id).for_each(|(_, roles)| roles.push(role.clone()));
        Ok(Response::new(api::GrantRoleResponse {}))
    }

    async fn get_keys(&self, _: Request<api::GetKeysRequest>) -> Result<Response<api::GetKeysResponse>, Status> {
        Err(Status::unimplemented("not asked in these tests"))
    }

    async fn check_session(&self, _: Request<api::CheckSessionRequest>) -> Result<Response<api::CheckSessionResponse>, Status> {
        Err(Status::unimplemented("not asked in these tests"))
    }

    async fn ensure_user(&self, _: Request<api::EnsureUserRequest>) -> Result<Response<api::EnsureUserResponse>, Status> {
        Err(Status::unimplemented("not asked in these tests"))
    }

    async fn find_users(&self, _: Request<api::FindUsersRequest>) -> Result<Response<api::FindUsersResponse>, Status> {
        Err(Status::unimplemented("not asked in these tests"))
    }

    async fn list_users(&self, _: Request<api::ListUsersRequest>) -> Result<Response<api::ListUsersResponse>, Status> {
        Err(Status::unimplemented("not asked in these tests"))
    }

    async fn issue_link(&self, _: Request<api::IssueLinkRequest>) -> Result<Response<api::IssueLinkResponse>, Status> {
        Err(Status::unimplemented("not asked in these tests"))
    }
}
