//! An identity service whose sessions are what a test says.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use axum::Router;
use contracts::proto::identity as api;
use contracts::proto::identity::identity_server::{Identity, IdentityServer};
use contracts::{SessionId, UserId};
use kit::auth::{KeySet, Signer, User, issue_access};
use kit::{Caller, Clock, Ids, Role, Service, ServiceDef};
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
        let rpc = tonic::service::Routes::new(IdentityServer::new(Directed)).into_axum_router();
        Ok(Service { rpc, http: Router::new(), ..Service::default() })
    },
};

/// What is said of a session.
#[derive(Clone, Debug)]
pub enum Session {
    /// Open, with these roles.
    Open(Vec<Role>),
    /// Open, with these roles, and with one named `helper` that opens these routes.
    Granted(Vec<Role>, Vec<&'static str>),
    /// Ended.
    Ended,
    /// Nothing; identity does not answer.
    Silence,
}

/// Sessions have ids of their own, so tests that run at once do not meet.
static SESSIONS: LazyLock<Mutex<BTreeMap<String, Session>>> = LazyLock::new(Mutex::default);

fn sessions() -> MutexGuard<'static, BTreeMap<String, Session>> {
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn set(session: SessionId, state: Session) {
    sessions().insert(session.to_string(), state);
}

/// The key that access tokens are signed with.
pub fn signer() -> Signer {
    Signer::new(&[42; 32])
}

/// A new signed-in user, and the user's access token.
pub fn sign_in(roles: &[Role]) -> (User, String) {
    let user = testing::user_with(roles).user.expect("a user");
    set(user.session, Session::Open(roles.to_vec()));
    let token = token_of(&user);
    (user, token)
}

/// A customer who has the role `helper`, which opens these routes.
pub fn sign_in_granted(routes: &[&'static str]) -> (User, String) {
    let (user, token) = sign_in(&[Role::Customer]);
    set(user.session, Session::Granted(vec![Role::Customer], routes.to_vec()));
    (user, token)
}

/// A further access token of a user.
pub fn token_of(user: &User) -> String {
    let now = Clock::system().now();
    issue_access(&signer(), "http://haat.test", user, Ids::random().uuid(now), now)
}

/// Somebody nobody knows.
pub fn stranger() -> (UserId, SessionId) {
    let Caller { user, .. } = testing::user();
    user.map(|u| (u.id, u.session)).expect("a user")
}

struct Directed;

#[tonic::async_trait]
impl Identity for Directed {
    async fn get_user(&self, _: Request<api::GetUserRequest>) -> Result<Response<api::GetUserResponse>, Status> {
        Err(Status::unimplemented("not asked in these tests"))
    }

    async fn ensure_user(&self, _: Request<api::EnsureUserRequest>) -> Result<Response<api::EnsureUserResponse>, Status> {
        Err(Status::unimplemented("not asked in these tests"))
    }

    async fn get_keys(&self, _: Request<api::GetKeysRequest>) -> Result<Response<api::GetKeysResponse>, Status> {
        let jwks = KeySet::new(vec![signer().public()]).print();
        Ok(Response::new(api::GetKeysResponse { jwks }))
    }

    async fn check_session(&self, request: Request<api::CheckSessionRequest>) -> Result<Response<api::CheckSessionResponse>, Status> {
        let state = sessions().get(&request.into_inner().session_id).cloned();
        let (open, roles, permissions) = match state.unwrap_or(Session::Ended) {
            Session::Open(roles) => (true, roles, None),
            Session::Granted(roles, routes) => (true, roles, Some(routes)),
            Session::Ended => (false, Vec::new(), None),
            Session::Silence => return Err(Status::unavailable("silence")),
        };
        let roles = roles.into_iter().map(|r| r.as_str().to_owned()).collect();
        let custom_roles = permissions.iter().map(|_| "helper".to_owned()).collect();
        let permissions = permissions.into_iter().flatten().map(str::to_owned).collect();
        Ok(Response::new(api::CheckSessionResponse { open, roles, custom_roles, permissions, ..Default::default() }))
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

    async fn grant_role(&self, _: Request<api::GrantRoleRequest>) -> Result<Response<api::GrantRoleResponse>, Status> {
        Err(Status::unimplemented("not asked in these tests"))
    }
}
