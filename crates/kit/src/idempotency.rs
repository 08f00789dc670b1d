//! `Idempotency-Key`: the first answer, byte for byte, however often the request comes.
//!
//! The key is stored in the transaction of its effect. Where that effect is not yet the whole answer (an order that
//! still waits for its payment), the key is claimed with a reference first and completed later.

use contracts::Time;
use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Problem;
use crate::db::{DbError, Query, Tx};
use crate::params;

/// A key with its scope and the request it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Caller, method and path.
    pub scope: String,
    /// As sent, 1 to 255 characters.
    pub key: String,
    /// SHA-256 of the body as canonical JSON.
    pub request_hash: Vec<u8>,
}

/// The answer that is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The `Location` header, where there was one.
    pub location: Option<String>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// `body` as JSON, which must be one of ids, text and numbers.
    pub fn new(status: u16, location: Option<String>, body: &impl Serialize) -> Answer {
        Answer { status, location, body: serde_json::to_vec(body).expect("ids, text and numbers always make JSON") }
    }
}

/// What a request that may be repeated is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// It was done now.
    Now(Answer),
    /// It was done before.
    Before(Answer),
    /// It is being done.
    Running,
    /// The key came with another body before.
    Mismatch,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing.
    New,
    /// It was answered.
    Answered(Answer),
    /// Its effect is there, its answer not yet.
    Claimed(Uuid),
    /// It came with another body before.
    Mismatch,
}

impl Key {
    /// A key for `body`; two bodies are the same when they are the same JSON.
    pub fn new(scope: String, key: String, body: &Json) -> Key {
        Key { scope, key, request_hash: Sha256::digest(canonical(body).as_bytes()).to_vec() }
    }

    /// An id that is the same for the same scope and key: what the request makes can carry it, so that two
    /// requests with one key make one thing.
    pub fn derived_id(&self, purpose: &str) -> Uuid {
        let digest = Sha256::digest(format!("{purpose}\n{}\n{}", self.scope, self.key).as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// As [`Key::derived_id`], and the same only for the same `moment`, with whose milliseconds it begins as a version 7
    /// UUID does. For what much is kept of: rows of one moment then lie together, in a tree's last pages. The other 74 bits
    /// follow from `secret` too: they are so few that a caller could otherwise look for two keys with one id.
    pub fn derived_id_at(&self, secret: &[u8; 32], purpose: &str, moment: Time) -> Uuid {
        let digest = crate::auth::derive(secret, &format!("{purpose}\n{}\n{}", self.scope, self.key));
        let mut bits = [0; 16];
        bits.copy_from_slice(&digest[..16]);
        crate::clock::uuid_at(moment, u128::from_be_bytes(bits))
    }
}

/// What is known of `key`.
pub fn look_up(q: &mut Query, key: &Key) -> Result<Seen, DbError> {
    let found = q.row(
        "SELECT request_hash, reference, status, headers, body FROM own.idempotency WHERE scope = $1 AND key = $2",
        params![&key.scope, &key.key],
    )?;
    let Some(row) = found else { return Ok(Seen::New) };
    if row.get::<Vec<u8>>(0)? != key.request_hash {
        return Ok(Seen::Mismatch);
    }
    let Some(status) = row.get::<Option<i64>>(2)? else {
        return Ok(Seen::Claimed(row.get::<Option<Uuid>>(1)?.unwrap_or_default()));
    };
    let headers: Option<Json> = row.get(3)?;
    let location = headers.and_then(|h| h.get("location").and_then(Json::as_str).map(str::to_owned));
    let body = row.get::<Option<Vec<u8>>>(4)?.unwrap_or_default();
    Ok(Seen::Answered(Answer { status: u16::try_from(status).unwrap_or(200), location, body }))
}

/// Does something once per key, in one transaction with its answer. Without a key it is done each time.
pub fn once<E: From<DbError>>(tx: &mut Tx, key: Option<&Key>, act: impl FnOnce(&mut Tx) -> Result<Answer, E>) -> Result<Given, E> {
    let Some(key) = key else { return act(tx).map(Given::Now) };
    match look_up(tx, key)? {
        Seen::New => {}
        Seen::Answered(answer) => return Ok(Given::Before(answer)),
        Seen::Claimed(_) => return Ok(Given::Running),
        Seen::Mismatch => return Ok(Given::Mismatch),
    }
    let answer = act(tx)?;
    remember(tx, key, &answer)?;
    Ok(Given::Now(answer))
}

/// Claims `key` in the transaction of its effect; the answer follows with [`complete`].
/// A claim that somebody else made first is a lost race: the closure runs again and sees it.
pub fn claim(tx: &mut Tx, key: &Key, reference: Uuid) -> Result<(), DbError> {
    insert(tx, key, Some(reference), None)
}

/// Stores `key` with its answer in the transaction of its effect.
pub fn remember(tx: &mut Tx, key: &Key, answer: &Answer) -> Result<(), DbError> {
    insert(tx, key, None, Some(answer))
}

/// Gives a claimed key its answer.
pub fn complete(tx: &mut Tx, scope: &str, key: &str, answer: &Answer) -> Result<(), DbError> {
    tx.execute(
        "UPDATE own.idempotency SET status = $3, headers = $4, body = $5 WHERE scope = $1 AND key = $2 AND status IS NULL",
        params![scope, key, i64::from(answer.status), headers(answer), answer.body.clone()],
    )?;
    Ok(())
}

/// Forgets what is older than `before`; at most 500 keys. Returns how many.
pub fn prune(tx: &mut Tx, before: Time) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM own.idempotency WHERE (scope, key) IN (SELECT scope, key FROM own.idempotency WHERE created_at < $1 ORDER BY created_at, scope, key LIMIT 500)",
        params![before],
    )
}

fn insert(tx: &mut Tx, key: &Key, reference: Option<Uuid>, answer: Option<&Answer>) -> Result<(), DbError> {
    let now = tx.now();
    let inserted = tx.execute(
        "INSERT INTO own.idempotency (scope, key, request_hash, reference, status, headers, body, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (scope, key) DO NOTHING",
        params![
            &key.scope,
            &key.key,
            key.request_hash.clone(),
            reference,
            answer.map(|a| i64::from(a.status)),
            answer.map(headers),
            answer.map(|a| a.body.clone()),
            now
        ],
    )?;
    if inserted == 1 { Ok(()) } else { Err(tx.lost_race()) }
}

fn headers(answer: &Answer) -> Json {
    answer.location.as_ref().map_or(Json::Null, |l| serde_json::json!({ "location": l }))
}

/// The `422` for a key that came with another body.
pub fn mismatch() -> Problem {
    Problem::unprocessable("idempotency_key_reused", "this Idempotency-Key came with another body before")
}

/// The `409` for a key whose request is still being answered.
pub fn still_running() -> Problem {
    Problem::conflict("idempotency_key_in_use", "a request with this Idempotency-Key is still being answered")
}

/// JSON with the members of objects sorted by name, no white space, and numbers that are whole written as such:
/// two texts that mean the same become one (close to RFC 8785, which also fixes how fractions are written).
fn canonical(value: &Json) -> String {
    match value {
        Json::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            let inner: Vec<_> = sorted.iter().map(|(n, v)| format!("{}:{}", Json::from(n.as_str()), canonical(v))).collect();
            format!("{{{}}}", inner.join(","))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Json::Number(number) if number.is_f64() => match number.as_f64() {
            // Up to here every whole number is exact; adding 0 makes -0 one with 0.
            Some(n) if n.fract() == 0.0 && n.abs() < 9_007_199_254_740_992.0 => format!("{:.0}", n + 0.0),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_that_mean_the_same_become_one() {
        let cases = [
            (r#"{"b": 1, "a": {"d": [1, 2], "c": null}}"#, r#"{"a":{"c":null,"d":[1,2]},"b":1}"#),
            (r#" [ 1.0 , 1e2, -0.0, 10, 1.5 ] "#, "[1,100,0,10,1.5]"),
            (r#"{"\u0061": "\u00e9\n"}"#, "{\"a\":\"é\\n\"}"),
            ("[-10.0, -1.0]", "[-10,-1]"),
            ("18446744073709551615", "18446744073709551615"),
            ("1e300", "1e+300"),
            ("[]", "[]"),
            ("{}", "{}"),
        ];
        for (text, expected) in cases {
            assert_eq!(canonical(&serde_json::from_str(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn what_differs_stays_different() {
        let cases = [(json!([1, 2]), json!([2, 1])), (json!("1"), json!(1)), (json!({ "a": null }), json!({})), (json!([[]]), json!([]))];
        for (one, other) in cases {
            assert_ne!(canonical(&one), canonical(&other));
        }
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            ".{0,8}".prop_map(Json::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4).prop_map(|m| Json::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn canonical_text_is_json_and_its_own_canonical_form(value in any_json()) {
            let text = canonical(&value);
            let read: Json = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(canonical(&read), text);
            prop_assert_eq!(read, value);
        }
    }
}
