//! The pages behind the links in mails: plain HTML, and a form where something is to be done. Looking at one changes
//! nothing, since mail programs and virus scanners look at every link: a token is spent by what the form sends.

mod words;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kit::http::{Form, Query, escape, page, wants_bangla};
use kit::{Caller, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use super::origin;
use crate::app::App;
use crate::domain::{Password, Purpose};
use crate::error::Error;
use words::Words;

/// What a link carries. Mail programs may add parameters of their own.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LinkParams {
    /// From the mail.
    #[serde(default)]
    token: String,
}

/// What the form for a new password sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    token: String,
    password: String,
    /// The same again.
    repeated: String,
}

/// What the button sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    token: String,
}

/// A page for people who followed the link of a mail: a form for a new password. Looking at it does not spend the link.
#[utoipa::path(get, path = "/reset-password", tag = "identity", params(LinkParams),
    responses((status = 200, content_type = "text/html", body = String),
        (status = 422, description = "The link is not good any more; a page that says so.", content_type = "text/html", body = String)))]
pub async fn ask_new_password(State(app): State<App>, headers: HeaderMap, Query(link): Query<LinkParams>) -> Result<Response, Problem> {
    let words = words(&headers);
    match app.link_is_open(Purpose::ResetPassword, &link.token).await? {
        true => Ok(password_form(words, &link.token, StatusCode::OK, None)),
        false => Ok(gone(words)),
    }
}

/// Sets a new password, as the page's form sends it. All sessions end. What is wrong stands on the page.
#[utoipa::path(post, path = "/reset-password", tag = "identity",
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, content_type = "text/html", body = String),
        (status = 422, description = "The page again, with what is wrong.", content_type = "text/html", body = String),
        (status = 503, description = "The page again.", content_type = "text/html", body = String)))]
pub async fn set_new_password(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Form(sent): Form<NewPassword>,
) -> Result<Response, Problem> {
    let words = words(&headers);
    let again = |status, wrong| Ok(password_form(words, &sent.token, status, Some(wrong)));
    if sent.password != sent.repeated {
        return again(StatusCode::UNPROCESSABLE_ENTITY, words.not_the_same);
    }
    let Ok(password) = Password::parse(sent.password) else { return again(StatusCode::UNPROCESSABLE_ENTITY, words.wrong_length) };
    match app.reset_password(&sent.token, password, origin(&headers, &caller)).await {
        Ok(()) => Ok(page(StatusCode::OK, words.language, words.is_set, &text(words.sign_in_again))),
        Err(Error::InvalidLink) => Ok(gone(words)),
        Err(Error::Busy) => again(StatusCode::SERVICE_UNAVAILABLE, words.busy),
        Err(e) => Err(e.into()),
    }
}

/// A page for people who followed the link of a mail: a button that confirms their address. Looking at it does not spend the link.
#[utoipa::path(get, path = "/verify-email", tag = "identity", params(LinkParams),
    responses((status = 200, content_type = "text/html", body = String),
        (status = 422, description = "The link is not good any more; a page that says so.", content_type = "text/html", body = String)))]
pub async fn ask_to_verify(State(app): State<App>, headers: HeaderMap, Query(link): Query<LinkParams>) -> Result<Response, Problem> {
    let words = words(&headers);
    if !app.link_is_open(Purpose::VerifyEmail, &link.token).await? {
        return Ok(gone(words));
    }
    let form = format!(
        "{}<form method=\"post\" action=\"/verify-email\">{}<button class=\"main\">{}</button></form>",
        text(words.confirm_text),
        hidden(&link.token),
        words.confirm
    );
    Ok(page(StatusCode::OK, words.language, words.confirm_title, &form))
}

/// Takes the address as its owner's, as the page's button says.
#[utoipa::path(post, path = "/verify-email", tag = "identity",
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, content_type = "text/html", body = String),
        (status = 422, description = "The link is not good any more; a page that says so.", content_type = "text/html", body = String)))]
pub async fn verify(State(app): State<App>, headers: HeaderMap, Form(sent): Form<Confirmation>) -> Result<Response, Problem> {
    let words = words(&headers);
    match app.verify_email(&sent.token).await {
        Ok(()) => Ok(page(StatusCode::OK, words.language, words.is_confirmed, &text(words.thanks))),
        Err(Error::InvalidLink) => Ok(gone(words)),
        Err(e) => Err(e.into()),
    }
}

/// In Bangla where the browser asks for it first.
fn words(headers: &HeaderMap) -> &'static Words {
    if wants_bangla(headers) { &words::BANGLA } else { &words::ENGLISH }
}

fn password_form(words: &Words, token: &str, status: StatusCode, wrong: Option<&str>) -> Response {
    let wrong = wrong.map(|wrong| format!("<p class=\"wrong\" role=\"alert\">{wrong}</p>")).unwrap_or_default();
    let field = |name: &str, label: &str| {
        format!(
            "<label for=\"{name}\">{label}</label>\
             <input id=\"{name}\" name=\"{name}\" type=\"password\" autocomplete=\"new-password\" required>"
        )
    };
    let form = format!(
        "{}{wrong}<form method=\"post\" action=\"/reset-password\">{}{}{}<button class=\"main\">{}</button></form>",
        text(words.choose_text),
        hidden(token),
        field("password", words.new_password),
        field("repeated", words.repeated),
        words.set
    );
    page(status, words.language, words.choose_title, &form)
}

/// The token goes on in the body: no log and no history of a browser has it once more.
fn hidden(token: &str) -> String {
    format!("<input type=\"hidden\" name=\"token\" value=\"{}\">", escape(token))
}

fn gone(words: &Words) -> Response {
    page(StatusCode::UNPROCESSABLE_ENTITY, words.language, words.gone_title, &text(words.gone_text))
}

fn text(text: &str) -> String {
    format!("<p>{text}</p>")
}
