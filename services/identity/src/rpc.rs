//! What other services ask about people.

use axum::Router;
use contracts::proto::identity as api;
use contracts::proto::identity::identity_server::{Identity, IdentityServer};
use contracts::{SessionId, Time, UserId};
use kit::Role;
use kit::channel::CallerService;
use kit::rpc::{id, status};
use tonic::{Request, Response, Status};

use crate::app::App;
use crate::domain::{Registration, User, parse_roles};
use crate::error::Error;

/// The gRPC side as a router.
pub fn router(app: App) -> Router {
    tonic::service::Routes::new(IdentityServer::new(Rpc(app))).into_axum_router()
}

/// The service that writes mails.
const MAIL_WRITER: &str = "notifications";

struct Rpc(App);

fn only_the_mail_writer<T>(request: &Request<T>, what: &str) -> Result<(), Status> {
    match request.extensions().get::<CallerService>() {
        Some(CallerService(MAIL_WRITER)) => Ok(()),
        _ => Err(Status::permission_denied(format!("only {MAIL_WRITER} {what}"))),
    }
}

#[tonic::async_trait]
impl Identity for Rpc {
    async fn get_user(&self, request: Request<api::GetUserRequest>) -> Result<Response<api::GetUserResponse>, Status> {
        let user = match self.0.user(id::<UserId>(&request.into_inner().user_id)?).await {
            Ok(user) => Some(message(user)),
            Err(Error::NotFound(_)) => None,
            Err(e) => return Err(status(e)),
        };
        Ok(Response::new(api::GetUserResponse { user }))
    }

    async fn get_keys(&self, _: Request<api::GetKeysRequest>) -> Result<Response<api::GetKeysResponse>, Status> {
        let ring = self.0.keys.ring().await.map_err(status)?;
        Ok(Response::new(api::GetKeysResponse { jwks: ring.public.print() }))
    }

    async fn check_session(&self, request: Request<api::CheckSessionRequest>) -> Result<Response<api::CheckSessionResponse>, Status> {
        let session = id::<SessionId>(&request.into_inner().session_id)?;
        let answer = match self.0.check_session(session).await.map_err(status)? {
            Some(session) => api::CheckSessionResponse {
                open: true,
                roles: session.user.roles.iter().map(|r| r.as_str().to_owned()).collect(),
                user_id: session.user.id.to_string(),
                custom_roles: session.user.custom_roles.into_iter().collect(),
                permissions: session.permissions.into_iter().collect(),
            },
            None => api::CheckSessionResponse::default(),
        };
        Ok(Response::new(answer))
    }

    async fn grant_role(&self, request: Request<api::GrantRoleRequest>) -> Result<Response<api::GrantRoleResponse>, Status> {
        let r = request.into_inner();
        let role = Role::parse(&r.role).ok_or_else(|| Status::invalid_argument(format!("not a role: {:?}", r.role)))?;
        self.0.grant_role(id::<UserId>(&r.user_id)?, role).await.map_err(status)?;
        Ok(Response::new(api::GrantRoleResponse {}))
    }

    async fn ensure_user(&self, request: Request<api::EnsureUserRequest>) -> Result<Response<api::EnsureUserResponse>, Status> {
        let r = request.into_inner();
        let registration = Registration::new(&r.email, r.password, &r.first_name, &r.last_name).map_err(status)?;
        let roles = parse_roles(&r.roles).map_err(status)?;
        let ensured = self.0.ensure_user(registration, roles).await.map_err(status)?;
        Ok(Response::new(api::EnsureUserResponse { user_id: ensured.user.to_string(), created: ensured.is_new }))
    }

    async fn find_users(&self, request: Request<api::FindUsersRequest>) -> Result<Response<api::FindUsersResponse>, Status> {
        let found = self.0.users_of(request.into_inner().emails).await.map_err(status)?;
        let users = found.into_iter().map(|(asked, user)| api::FoundUser { user_id: user.to_string(), asked });
        Ok(Response::new(api::FindUsersResponse { users: users.collect() }))
    }

    async fn list_users(&self, request: Request<api::ListUsersRequest>) -> Result<Response<api::ListUsersResponse>, Status> {
        only_the_mail_writer(&request, "writes to many")?;
        let r = request.into_inner();
        if !(1..=100).contains(&r.limit) {
            return Err(Status::invalid_argument(format!("limit: expected 1 to 100, found {}", r.limit)));
        }
        let after = if r.after.is_empty() { UserId::default() } else { id::<UserId>(&r.after)? };
        let role = (!r.role.is_empty()).then(|| Role::parse(&r.role).ok_or_else(|| Status::invalid_argument("not a role")));
        let (users, total) = self.0.users_by_id(after, role.transpose()?, Time(r.created_before), r.limit).await.map_err(status)?;
        Ok(Response::new(api::ListUsersResponse { users: users.into_iter().map(message).collect(), total }))
    }

    async fn issue_link(&self, request: Request<api::IssueLinkRequest>) -> Result<Response<api::IssueLinkResponse>, Status> {
        // Whoever holds a token can take the account over.
        only_the_mail_writer(&request, "writes links into mails")?;
        let id = id::<uuid::Uuid>(&request.into_inner().link_id)?;
        let issued = self.0.issue_link(id).await.map_err(status)?;
        Ok(Response::new(api::IssueLinkResponse { purpose: issued.purpose, token: issued.token, user: Some(message(issued.user)) }))
    }
}

fn message(user: User) -> api::User {
    api::User {
        user_id: user.id.to_string(),
        email: user.email,
        first_name: user.profile.first_name,
        last_name: user.profile.last_name,
        locale: user.profile.locale,
    }
}
