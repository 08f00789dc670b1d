//! Values between Rust and the two engines.

use contracts::Time;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use uuid::Uuid;

use super::DbError;

/// A parameter or a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// `bigint`.
    Int(i64),
    /// `double precision`.
    Real(f64),
    /// `boolean` / 0 and 1.
    Bool(bool),
    /// `text`.
    Text(String),
    /// `bytea` / blob.
    Bytes(Vec<u8>),
    /// `uuid` / blob of 16.
    Uuid(Uuid),
    /// `timestamptz` / integer microseconds.
    Time(Time),
    /// `jsonb` / text.
    Json(Json),
}

/// The parameters of a statement: `params![order_id.0, "confirmed", now]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Value::from($value)),*] };
}

macro_rules! from {
    ($($from:ty as $v:ident => $to:expr),+ $(,)?) => {$(
        impl From<$from> for Value { fn from($v: $from) -> Value { $to } }
    )+};
}

from! {
    i64 as v => Value::Int(v),
    i32 as v => Value::Int(v.into()),
    u32 as v => Value::Int(v.into()),
    f64 as v => Value::Real(v),
    bool as v => Value::Bool(v),
    &str as v => Value::Text(v.to_owned()),
    &String as v => Value::Text(v.clone()),
    String as v => Value::Text(v),
    Vec<u8> as v => Value::Bytes(v),
    &[u8] as v => Value::Bytes(v.to_vec()),
    Uuid as v => Value::Uuid(v),
    Time as v => Value::Time(v),
    Json as v => Value::Json(v),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Value {
        v.map_or(Value::Null, Into::into)
    }
}

/// One row of an answer; columns by place, from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    /// The column as `T`. A wrong place or type is an `Internal` error: a mistake in the service's SQL.
    pub fn get<T: FromValue>(&self, column: usize) -> Result<T, DbError> {
        let value = self.0.get(column).ok_or_else(|| DbError::Internal(format!("no column {column}")))?;
        T::from_value(value)
            .ok_or_else(|| DbError::Internal(format!("column {column}: expected {}, found {value:?}", std::any::type_name::<T>())))
    }

    /// A column of JSON, as text.
    pub(crate) fn json_text(&self, column: usize) -> Result<String, DbError> {
        match self.0.get(column) {
            Some(Value::Json(json)) => Ok(json.to_string()),
            _ => self.get(column),
        }
    }

    /// A column of JSON read straight into `T`; `None` where it is NULL or does not fit.
    pub fn json<T: DeserializeOwned>(&self, column: usize) -> Option<T> {
        match self.0.get(column)? {
            Value::Text(text) => serde_json::from_str(text).ok(),
            Value::Json(json) => T::deserialize(json).ok(),
            _ => None,
        }
    }
}

/// What a column can be read as.
pub trait FromValue: Sized {
    /// `None` where it does not fit.
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<i64> {
        match value {
            Value::Int(v) => Some(*v),
            Value::Bool(v) => Some((*v).into()),
            Value::Time(v) => Some(v.0),
            _ => None,
        }
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Option<f64> {
        match value {
            Value::Real(v) => Some(*v),
            Value::Int(v) => Some(*v as f64),
            _ => None,
        }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<bool> {
        match value {
            Value::Bool(v) => Some(*v),
            Value::Int(v) => Some(*v != 0),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<String> {
        match value {
            Value::Text(v) => Some(v.clone()),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value) -> Option<Vec<u8>> {
        match value {
            Value::Bytes(v) => Some(v.clone()),
            _ => None,
        }
    }
}

impl FromValue for Uuid {
    fn from_value(value: &Value) -> Option<Uuid> {
        match value {
            Value::Uuid(v) => Some(*v),
            Value::Bytes(v) => Uuid::from_slice(v).ok(),
            _ => None,
        }
    }
}

impl FromValue for Time {
    fn from_value(value: &Value) -> Option<Time> {
        match value {
            Value::Time(v) => Some(*v),
            Value::Int(v) => Some(Time(*v)),
            _ => None,
        }
    }
}

impl FromValue for Json {
    fn from_value(value: &Value) -> Option<Json> {
        match value {
            Value::Json(v) => Some(v.clone()),
            Value::Text(v) => serde_json::from_str(v).ok(),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Option<T>> {
        match value {
            Value::Null => Some(None),
            v => T::from_value(v).map(Some),
        }
    }
}
