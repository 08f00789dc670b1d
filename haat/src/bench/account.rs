//! Somebody who signs in.

use std::cell::RefCell;
use std::time::Duration;

use anyhow::Result;
use http::Method;
use http::header::{AUTHORIZATION, HeaderValue};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::client::Connection;

/// A token is good for a quarter of an hour; it is renewed well before.
const RENEWED_AFTER: Duration = Duration::from_secs(600);

/// An account and its latest token.
#[derive(Debug)]
pub struct Account {
    email: String,
    password: String,
    token: RefCell<Option<(HeaderValue, Instant)>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    access_token: String,
}

impl Account {
    /// Not signed in yet.
    pub fn new(email: impl Into<String>, password: &str) -> Account {
        Account { email: email.into(), password: password.into(), token: RefCell::new(None) }
    }

    /// The connection acts for the account, and for nobody else, from now on.
    pub async fn take(&self, connection: &mut Connection) -> Result<()> {
        connection.headers.clear();
        let known = self.token.borrow().as_ref().filter(|(_, since)| since.elapsed() < RENEWED_AFTER).map(|(token, _)| token.clone());
        let token = match known {
            Some(token) => token,
            None => {
                let since = Instant::now();
                let credentials = json!({"email": self.email, "password": self.password});
                let session: Session = connection.json(Method::POST, "/api/v1/auth/login", Some(credentials)).await?;
                let token = HeaderValue::from_str(&format!("Bearer {}", session.access_token))?;
                *self.token.borrow_mut() = Some((token.clone(), since));
                token
            }
        };
        connection.headers.insert(AUTHORIZATION, token);
        Ok(())
    }
}
