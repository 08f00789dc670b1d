//! The development mailbox: every message that would have left. Development only.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use contracts::{NotificationId, Time};
use kit::Problem;
use kit::http::{After, Page, PageRequest, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page;
use crate::app::App;
use crate::store::Mail as Row;

/// How many are answered where no number is asked for.
const NEWEST: i64 = 100;

/// A message as it would have left.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Mail {
    id: NotificationId,
    /// email
    channel: String,
    /// The address.
    to: String,
    subject: String,
    /// As plain text.
    text: String,
    /// The same as a page.
    html: Option<String>,
    created_at: Time,
}

impl From<Row> for Mail {
    fn from(row: Row) -> Mail {
        Mail {
            id: row.id,
            channel: row.channel,
            to: row.address,
            subject: row.title,
            text: row.body,
            html: row.html,
            created_at: row.created_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MailParams {
    /// 1 to 100; 100 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
}

/// What would have left, newest first.
#[utoipa::path(get, path = "/dev/mailbox/messages", tag = "development", params(MailParams), responses((status = 200, body = Page<Mail>)))]
pub(super) async fn list_mails(State(app): State<App>, Query(p): Query<MailParams>) -> Result<Response, Problem> {
    let page = PageRequest::new(Some(p.limit.unwrap_or(NEWEST)), p.cursor.as_deref(), "mailbox")?;
    let rows = app.mails(page.clone()).await?;
    let page = page.page(rows, |m| After { time: m.created_at, id: m.id.0 });
    let page = Page { data: page.data.into_iter().map(Mail::from).collect(), next_cursor: page.next_cursor };
    Ok(axum::Json(page).into_response())
}

/// As `/dev/mailbox/messages`, beside the rest of the API.
#[utoipa::path(get, path = "/api/v1/dev/mailbox/messages", tag = "development", params(MailParams),
    responses((status = 200, body = Page<Mail>)))]
pub(super) async fn list_mails_of_api(state: State<App>, params: Query<MailParams>) -> Result<Response, Problem> {
    list_mails(state, params).await
}

/// The newest messages as a page for people.
#[utoipa::path(get, path = "/dev/mailbox", tag = "development", responses((status = 200, content_type = "text/html", body = String)))]
pub(super) async fn show_page(State(app): State<App>) -> Result<Response, Problem> {
    let mails = app.mails(PageRequest::new(Some(NEWEST), None, "mailbox")?).await?;
    let mut response = Html(page::render(&mails)).into_response();
    // Mails are shown in frames without an address, which have this policy too: no script, nothing from elsewhere.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
