//! A running server, by its API.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use contracts::files::{FileProduct, RowError};
use contracts::proto::vendors::Store;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kit::outbound::retry_after_seconds;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

use super::{Done, FileOrder, How, Rows};

/// How often a job is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// A job that has not moved for so long is not waited for.
const STUCK: Duration = Duration::from_secs(300);
/// How long a server that says it is busy is waited for, all in all.
const BUSY_SECONDS_MAX: u64 = 300;

/// Who signs in.
#[derive(Clone)]
pub enum Who {
    /// Somebody with a password.
    Account {
        /// The address.
        email: String,
        /// Its password.
        password: String,
    },
    /// Whoever has this access token.
    Token(String),
}

/// A server, and somebody who is signed in there.
#[derive(Clone)]
pub struct Server {
    base: String,
    who: Who,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    token: Arc<Mutex<String>>,
    /// The tree of categories, once somebody asked for it.
    categories: Arc<OnceCell<Json>>,
}

/// Some events, as they are written.
#[derive(Deserialize)]
pub struct EventPage {
    /// As JSON.
    pub data: Vec<Box<RawValue>>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// Services that run nowhere.
    #[serde(default)]
    pub absent: Vec<String>,
}

struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl Server {
    /// Signs in.
    pub async fn sign_in(url: &str, who: Who) -> anyhow::Result<Server> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let base = format!("{}/api/v1", url.trim_end_matches('/').trim_end_matches("/api/v1"));
        let server = Server { base, who, client, token: Arc::default(), categories: Arc::default() };
        server.renew("").await?;
        Ok(server)
    }

    /// Another token than the one that is no longer good; those who come later take the one that is there by then.
    async fn renew(&self, old: &str) -> anyhow::Result<()> {
        let mut token = self.token.lock().await;
        if *token != old {
            return Ok(());
        }
        *token = match &self.who {
            Who::Token(given) if given == old => bail!("the token is not good any more: give another one"),
            Who::Token(given) => given.clone(),
            Who::Account { email, password } => {
                let body = json!({"email": email, "password": password}).to_string();
                let answer = self.once(Method::POST, "/auth/login", "application/json", body.into(), "").await?;
                let (status, body) = read(answer).await?;
                let answer = Answer { status, body }.accepted("sign in")?;
                answer["accessToken"].as_str().context("the sign-in gave no token")?.to_owned()
            }
        };
        Ok(())
    }

    async fn once(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        body: Bytes,
        token: &str,
    ) -> anyhow::Result<Response<hyper::body::Incoming>> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        if !token.is_empty() {
            request = request.header(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).context("the token is no token")?);
        }
        let request = request.header(ACCEPT, "application/json").body(Full::new(body))?;
        self.client.request(request).await.with_context(|| format!("{} does not answer", self.base))
    }

    /// Sends a request; again with a new token where the old one has ended, and later where the server is busy.
    async fn send(&self, method: Method, path: &str, kind: &'static str, body: Bytes) -> anyhow::Result<Answer> {
        let (mut waited, mut renewed) = (0, false);
        loop {
            let token = self.token.lock().await.clone();
            let answer = self.once(method.clone(), path, kind, body.clone(), &token).await?;
            let pause = retry_after_seconds(answer.headers());
            let (status, body) = read(answer).await?;
            match status {
                StatusCode::UNAUTHORIZED if !renewed => {
                    renewed = true;
                    self.renew(&token).await?;
                }
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE if waited < BUSY_SECONDS_MAX => {
                    let pause = pause.unwrap_or(1).clamp(1, 60);
                    waited += pause;
                    tokio::time::sleep(Duration::from_secs(pause)).await;
                }
                _ => return Ok(Answer { status, body }),
            }
        }
    }

    async fn get(&self, path: &str) -> anyhow::Result<Json> {
        self.send(Method::GET, path, "", Bytes::new()).await?.accepted(path)
    }

    /// The store with a slug, where there is one.
    pub async fn store_there(&self, slug: &str) -> anyhow::Result<Option<Store>> {
        let path = format!("/vendors/{slug}");
        let answer = self.send(Method::GET, &path, "", Bytes::new()).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let found = answer.accepted(&path)?;
        let word = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        Ok(Some(Store { vendor_id: word("id"), slug: word("slug"), name: word("name"), ..Store::default() }))
    }

    /// Whether there is a category with a slug, or at the end of names such as `Clothes > Shirts`.
    pub async fn has_category(&self, names: &str) -> anyhow::Result<bool> {
        let tree = self.categories.get_or_try_init(|| self.get("/categories")).await?;
        let path: Vec<&str> = names.split('>').map(str::trim).collect();
        Ok(has_slug(&tree["data"], names) || has_path(&tree["data"], &path))
    }

    /// Adds or changes products of one store, as a file that the server's job goes through.
    pub async fn put_products(&self, store: Store, products: Vec<FileProduct>, how: How) -> anyhow::Result<Done> {
        let lines: String = products.iter().map(|p| format!("{}\n", p.body)).collect();
        let path = format!("/products/bulk?vendorId={}&dryRun={}", store.vendor_id, how.is_dry);
        let mut job = self.send(Method::POST, &path, "application/x-ndjson", lines.into()).await?.accepted(&path)?;
        let path = format!("/products/bulk/{}", job["id"].as_str().context("the job has no id")?);
        let mut moved = Instant::now();
        while job["done"].as_i64() < job["total"].as_i64() {
            tokio::time::sleep(LOOK).await;
            let now = self.get(&path).await?;
            if now["done"] != job["done"] {
                moved = Instant::now();
            } else if moved.elapsed() > STUCK {
                bail!("the server's job {path} has not moved for {} seconds; see its report, and the server's log", STUCK.as_secs());
            }
            job = now;
        }
        let count = |name: &str| job[name].as_u64().unwrap_or(0);
        let mut done = Done { created: count("created"), updated: count("updated"), unchanged: count("unchanged"), errors: Vec::new() };
        if count("failed") > 0 {
            self.each_row(&format!("{path}/report?limit=100"), |row| {
                let e: RowError = serde_json::from_value(row)?;
                // The server was sent a line per product.
                let line = usize::try_from(e.line).ok().and_then(|line| products.get(line.checked_sub(1)?));
                done.errors.push(RowError { line: line.map_or(0, |p| p.line_of(&e.column)), column: (how.column)(&e.column), ..e });
                Ok(())
            })
            .await?;
        }
        Ok(done)
    }

    async fn each_row(&self, path: &str, mut act: impl FnMut(Json) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut cursor = String::new();
        loop {
            let mut page = self.get(&format!("{path}{cursor}")).await?;
            page["data"].as_array_mut().map(std::mem::take).unwrap_or_default().into_iter().try_for_each(&mut act)?;
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(()),
            }
        }
    }

    async fn page(&self, path: &str) -> anyhow::Result<Rows> {
        let mut page = self.get(path).await?;
        let rows = page["data"].as_array_mut().map(std::mem::take).unwrap_or_default();
        Ok((rows, page["next"].as_str().map(str::to_owned)))
    }

    /// Products of one store or of all, as an import takes them.
    pub async fn products(&self, vendor: Option<&Store>, after: &str, limit: i64) -> anyhow::Result<Rows> {
        let vendor = vendor.map_or_else(String::new, |s| format!("&vendorId={}", s.vendor_id));
        self.page(&format!("/products/exports?limit={limit}{vendor}{}", after_query(after))).await
    }

    /// Orders, as an import takes them.
    pub async fn orders(&self, after: &str, limit: i64) -> anyhow::Result<Rows> {
        self.page(&format!("/orders/exports?limit={limit}{}", after_query(after))).await
    }

    /// Events of one service or of all, oldest first.
    pub async fn events(&self, service: Option<&str>, after: &str, limit: i64) -> anyhow::Result<EventPage> {
        let service = service.map_or_else(String::new, |s| format!("&service={}", escaped(s)));
        let path = format!("/events/exports?limit={limit}{service}{}", after_query(after));
        let body = self.send(Method::GET, &path, "", Bytes::new()).await?.success(&path)?;
        serde_json::from_slice(&body).with_context(|| format!("{path}: this is no page of events"))
    }

    /// Brings orders in that were placed elsewhere.
    pub async fn put_orders(&self, orders: Vec<FileOrder>, is_dry: bool) -> anyhow::Result<Done> {
        let bodies: Vec<&Json> = orders.iter().map(|o| &o.body).collect();
        let body = json!({"orders": bodies, "dryRun": is_dry}).to_string();
        let mut answer = self.send(Method::POST, "/orders/imports", "application/json", body.into()).await?.accepted("/orders/imports")?;
        let results = answer["data"].as_array_mut().map(std::mem::take).unwrap_or_default();
        let mut done = Done::default();
        for (order, result) in orders.iter().zip(results) {
            done.count(result["outcome"].as_str().unwrap_or_default());
            for e in result["errors"].as_array().into_iter().flatten() {
                done.errors
                    .push(order.error(e["pointer"].as_str().unwrap_or_default(), e["detail"].as_str().unwrap_or_default().to_owned()));
            }
        }
        Ok(done)
    }

    /// The accounts that have proved to own these addresses.
    pub async fn users(&self, emails: Vec<String>) -> anyhow::Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        for email in emails {
            let page = self.get(&format!("/users?limit=100&query={}", escaped(&email))).await?;
            let is_it = |user: &&Json| {
                user["email"].as_str().is_some_and(|e| e.eq_ignore_ascii_case(&email))
                    && user["emailVerified"] == true
                    && user["status"] == "active"
            };
            if let Some(id) = page["data"].as_array().into_iter().flatten().find(is_it).and_then(|user| user["id"].as_str()) {
                found.insert(email, id.to_owned());
            }
        }
        Ok(found)
    }

    /// Builds a read model anew, or joins the one who does.
    pub async fn start_replay(&self, model: &str) -> anyhow::Result<Json> {
        let body = json!({"readModel": model}).to_string();
        self.send(Method::POST, "/replays", "application/json", body.into()).await?.accepted(&format!("replay {model}"))
    }

    /// How far a replay is.
    pub async fn replay(&self, id: &str) -> anyhow::Result<Json> {
        self.get(&format!("/replays/{id}")).await
    }

    /// The slug of a store.
    pub async fn slug(&self, vendor_id: &str) -> anyhow::Result<String> {
        let found = self.get(&format!("/vendors/{vendor_id}")).await?;
        Ok(found["slug"].as_str().context("a store has a slug")?.to_owned())
    }
}

impl Answer {
    /// What it says, or why the server refuses.
    fn accepted(self, what: &str) -> anyhow::Result<Json> {
        Ok(serde_json::from_slice(&self.success(what)?).unwrap_or_default())
    }

    /// As [`Answer::accepted`], as it came.
    fn success(self, what: &str) -> anyhow::Result<Bytes> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        let body: Json = serde_json::from_slice(&self.body).unwrap_or_default();
        let detail = body["detail"].as_str().unwrap_or_default();
        bail!("{what}: the server answers {} {}: {detail}", self.status.as_u16(), body["code"].as_str().unwrap_or_default());
    }
}

fn nodes(list: &Json) -> impl Iterator<Item = &Json> {
    list.as_array().into_iter().flatten()
}

fn has_slug(list: &Json, slug: &str) -> bool {
    nodes(list).any(|node| node["slug"] == slug || node["id"] == slug || has_slug(&node["children"], slug))
}

fn has_path(list: &Json, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    nodes(list).any(|node| node["name"] == *first && has_path(&node["children"], rest))
}

async fn read(answer: Response<hyper::body::Incoming>) -> anyhow::Result<(StatusCode, Bytes)> {
    let status = answer.status();
    Ok((status, answer.into_body().collect().await?.to_bytes()))
}

fn after_query(after: &str) -> String {
    if after.is_empty() { String::new() } else { format!("&after={after}") }
}

/// As it stands in an address: all but letters and digits by their numbers.
fn escaped(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_found_by_slug_or_by_names() {
        let tree = json!([{"id": "1", "slug": "clothes", "name": "Clothes", "children": [{"id": "2", "slug": "saris", "name": "Saris", "children": []}]}]);
        assert!(has_slug(&tree, "saris") && has_slug(&tree, "2") && !has_slug(&tree, "Saris"));
        assert!(has_path(&tree, &["Clothes"]) && has_path(&tree, &["Clothes", "Saris"]));
        assert!(!has_path(&tree, &["Saris"]) && !has_path(&tree, &["Clothes", "Shirts"]));
    }
}
