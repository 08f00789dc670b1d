//! Values as PostgreSQL's types, by the type that the statement asks for.

use std::error::Error;

use bytes::BytesMut;
use contracts::Time;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use serde_json::Value as Json;
use uuid::Uuid;

use super::super::Value;

type Failure = Box<dyn Error + Sync + Send>;

/// PostgreSQL counts microseconds from 2000-01-01, `Time` from 1970-01-01.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        let int8 = |v: i64, out: &mut BytesMut| v.to_sql(&Type::INT8, out);
        match (self, ty) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(v), &Type::INT8) => int8(*v, out),
            (Value::Int(v), &Type::INT4) => i32::try_from(*v)?.to_sql(ty, out),
            (Value::Int(v), &Type::INT2) => i16::try_from(*v)?.to_sql(ty, out),
            (Value::Int(v), &Type::BOOL) => (*v != 0).to_sql(ty, out),
            #[expect(clippy::cast_precision_loss, reason = "as SQLite does")]
            (Value::Int(v), &Type::FLOAT8) => (*v as f64).to_sql(ty, out),
            (Value::Int(v), &Type::TIMESTAMPTZ) => int8(v.saturating_sub(EPOCH_MICROS), out),
            (Value::Real(v), &Type::FLOAT8) => v.to_sql(ty, out),
            (Value::Bool(v), &Type::BOOL) => v.to_sql(ty, out),
            (Value::Bool(v), &Type::INT8) => int8((*v).into(), out),
            (Value::Text(v), &Type::TEXT | &Type::VARCHAR | &Type::BPCHAR | &Type::NAME | &Type::UNKNOWN) => v.to_sql(ty, out),
            (Value::Text(v), &Type::JSONB | &Type::JSON) => serde_json::from_str::<Json>(v)?.to_sql(ty, out),
            (Value::Bytes(v), &Type::BYTEA) => v.to_sql(ty, out),
            (Value::Uuid(v), &Type::UUID) => v.to_sql(ty, out),
            (Value::Uuid(v), &Type::BYTEA) => v.as_bytes().as_slice().to_sql(ty, out),
            (Value::Time(v), &Type::TIMESTAMPTZ) => int8(v.0.saturating_sub(EPOCH_MICROS), out),
            (Value::Time(v), &Type::INT8) => int8(v.0, out),
            (Value::Json(v), &Type::JSONB | &Type::JSON) => v.to_sql(ty, out),
            (Value::Json(v), &Type::TEXT) => v.to_string().to_sql(ty, out),
            (value, ty) => Err(format!("a parameter of type {ty} was given {value:?}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Value, Failure> {
        Ok(match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Value::Real(f64::from_sql(ty, raw)?),
            Type::FLOAT4 => Value::Real(f32::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Bool(bool::from_sql(ty, raw)?),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => Value::Text(String::from_sql(ty, raw)?),
            Type::BYTEA => Value::Bytes(raw.to_vec()),
            Type::UUID => Value::Uuid(Uuid::from_slice(raw)?),
            Type::TIMESTAMPTZ => Value::Time(Time(i64::from_sql(&Type::INT8, raw)?.saturating_add(EPOCH_MICROS))),
            Type::JSONB | Type::JSON => Value::Json(Json::from_sql(ty, raw)?),
            Type::VOID => Value::Null,
            Type::NUMERIC => return Err("a column is numeric: write CAST(… AS BIGINT)".into()),
            _ => return Err(format!("a column is of type {ty}, which haat does not use").into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Value, Failure> {
        Ok(Value::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
