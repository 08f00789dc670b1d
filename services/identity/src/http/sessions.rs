//! The devices on which somebody is signed in.

use axum::extract::State;
use axum::http::StatusCode;
use contracts::{SessionId, Time};
use kit::http::{After, Page, PageRequest, Path, Query};
use kit::{Caller, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::from;
use crate::app::App;
use crate::domain::Session;

/// One sign-in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Which.
    id: SessionId,
    /// What the device called itself.
    device: Option<String>,
    /// The network address it came from.
    address: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
    /// When it was opened.
    created_at: Time,
    /// When it was last renewed.
    updated_at: Time,
    /// When it ends unless renewed.
    expires_at: Time,
}

impl SessionView {
    fn of(session: Session, current: SessionId) -> SessionView {
        SessionView {
            id: session.id,
            device: session.device,
            address: session.address,
            current: session.id == current,
            created_at: session.created_at,
            updated_at: session.used_at,
            expires_at: session.expires_at,
        }
    }
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// 1 to 100; 20 where left out.
    pub limit: Option<i64>,
    /// Of the page before.
    pub cursor: Option<String>,
}

/// The caller's open sessions, newest first.
#[utoipa::path(get, path = "/api/v1/auth/sessions", tag = "identity", params(PageParams),
    responses((status = 200, body = Page<SessionView>), (status = 401)))]
pub async fn list_sessions(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<PageParams>,
) -> Result<axum::Json<Page<SessionView>>, Problem> {
    let user = caller.user()?;
    let page = PageRequest::new(params.limit, params.cursor.as_deref(), &format!("sessions {}", user.id))?;
    let sessions = app.sessions(user.id, from(page.after), page.limit).await?;
    let views = sessions.into_iter().map(|s| SessionView::of(s, user.session)).collect();
    Ok(axum::Json(page.page(views, |v: &SessionView| After { time: v.created_at, id: v.id.0 })))
}

/// Ends one of the caller's sessions.
#[utoipa::path(delete, path = "/api/v1/auth/sessions/{id}", tag = "identity", params(("id" = SessionId, Path)),
    responses((status = 204), (status = 401), (status = 404)))]
pub async fn end_session(State(app): State<App>, caller: Caller, Path(id): Path<SessionId>) -> Result<StatusCode, Problem> {
    app.end_session(caller.user()?.id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
