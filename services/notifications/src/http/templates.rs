//! Templates, for administrators.

use axum::extract::State;
use axum::http::StatusCode;
use contracts::Time;
use kit::http::{Json, Path, Query};
use kit::problem::FieldError;
use kit::{Caller, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::{App, InUse};
use crate::domain::{Kind, Locale, Medium, Source};
use crate::store::TemplateKey;

/// A text with fields to fill in (Handlebars).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Template {
    /// The kind of message, such as `order.confirmed`.
    name: &'static str,
    channel: Medium,
    locale: Locale,
    /// One line: the subject of a mail.
    title: String,
    /// Plain text.
    body: String,
    /// HTML of a mail; null where it is made from the plain text.
    html: Option<String>,
    /// Whether it was written in place of the built-in one.
    custom: bool,
    /// What it may name; within `{{#each items}}` also `quantity`, `title` and `total`.
    fields: Vec<&'static str>,
    updated_at: Option<Time>,
}

impl From<InUse> for Template {
    fn from(t: InUse) -> Template {
        Template {
            name: t.key.kind.as_str(),
            channel: t.key.channel,
            locale: t.key.locale,
            title: t.source.title,
            body: t.source.body,
            html: t.source.html,
            custom: t.written_at.is_some(),
            fields: t.key.kind.fields().collect(),
            updated_at: t.written_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct Templates {
    data: Vec<Template>,
}

/// Every template as it is used now.
#[utoipa::path(get, path = "/api/v1/notifications/templates", tag = "notifications", responses((status = 200, body = Templates), (status = 403)))]
pub(super) async fn list_templates(State(app): State<App>, caller: Caller) -> Result<axum::Json<Templates>, Problem> {
    super::admin(&caller)?;
    Ok(axum::Json(Templates { data: app.templates().await?.into_iter().map(Template::from).collect() }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// in_app or email.
    channel: Medium,
    /// en or bn; en where left out.
    locale: Option<Locale>,
}

/// One template as it is used now.
#[utoipa::path(get, path = "/api/v1/notifications/templates/{name}", tag = "notifications", params(("name" = String, Path), Which),
    responses((status = 200, body = Template), (status = 403), (status = 404)))]
pub(super) async fn get_template(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Result<axum::Json<Template>, Problem> {
    super::admin(&caller)?;
    let key = key(&name, which.channel, which.locale)?;
    Ok(axum::Json(app.template(key).await?.into()))
}

/// Takes the built-in template again.
#[utoipa::path(delete, path = "/api/v1/notifications/templates/{name}", tag = "notifications", params(("name" = String, Path), Which),
    responses((status = 204), (status = 403), (status = 404)))]
pub(super) async fn reset_template(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Result<StatusCode, Problem> {
    super::admin(&caller)?;
    app.reset_template(key(&name, which.channel, which.locale)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A template that is to be used from now on.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TemplateBody {
    channel: Medium,
    /// en where left out.
    locale: Option<Locale>,
    /// One line: the subject of a mail.
    #[schema(example = "Order {{orderNumber}} is confirmed")]
    title: String,
    /// Plain text.
    body: String,
    /// HTML of a mail; made from the plain text where left out.
    html: Option<String>,
}

/// Writes a template in place of the built-in one. One that names a field which messages of its kind do not have is refused.
#[utoipa::path(put, path = "/api/v1/notifications/templates/{name}", tag = "notifications", params(("name" = String, Path)),
    request_body = TemplateBody, responses((status = 200, body = Template), (status = 403), (status = 404), (status = 422)))]
pub(super) async fn put_template(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body, _): Json<TemplateBody>,
) -> Result<axum::Json<Template>, Problem> {
    let by = super::admin(&caller)?.id;
    let key = key(&name, body.channel, body.locale)?;
    let source = Source { title: body.title, body: body.body, html: body.html };
    Ok(axum::Json(app.write_template(key, source, by).await?.into()))
}

/// What is to be looked at; parts that are left out are as they are used now.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PreviewBody {
    channel: Medium,
    locale: Option<Locale>,
    title: Option<String>,
    body: Option<String>,
    html: Option<String>,
}

/// What people would read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Preview {
    title: String,
    body: String,
    html: Option<String>,
}

/// A template filled in with made-up fields; nothing is stored or sent.
#[utoipa::path(post, path = "/api/v1/notifications/templates/{name}/preview", tag = "notifications", params(("name" = String, Path)),
    request_body = PreviewBody, responses((status = 200, body = Preview), (status = 403), (status = 404), (status = 422)))]
pub(super) async fn preview_template(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body, _): Json<PreviewBody>,
) -> Result<axum::Json<Preview>, Problem> {
    super::admin(&caller)?;
    let key = key(&name, body.channel, body.locale)?;
    let now = app.template(key).await?.source;
    // HTML belongs to its text: with another text and none of its own it is made anew.
    let html = body.html.or(if body.body.is_some() { None } else { now.html });
    let source = Source { title: body.title.unwrap_or(now.title), body: body.body.unwrap_or(now.body), html };
    let text = app.preview(key, &source)?;
    Ok(axum::Json(Preview { title: text.title, body: text.body, html: text.html }))
}

fn key(name: &str, channel: Medium, locale: Option<Locale>) -> Result<TemplateKey, Problem> {
    let kind = Kind::parse(name).ok_or_else(|| Problem::not_found("template"))?;
    if !kind.channels().contains(&channel) {
        let detail = super::goes_on(kind);
        return Err(Problem::invalid(vec![FieldError { pointer: "/channel".into(), code: "unknown_channel", detail }]));
    }
    Ok(TemplateKey { kind, channel, locale: locale.unwrap_or(Locale::English) })
}
