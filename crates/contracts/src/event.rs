//! What an event is, and the envelope in which it travels (CloudEvents 1.0).

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::Time;

/// Something that happened, as told to other services. The Rust type is the definition; its JSON Schema is generated.
pub trait Event: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The publishing service.
    const SOURCE: &'static str;
    /// The type, such as `order.created`.
    const TYPE: &'static str;
    /// The version of the data's shape, from 1.
    const VERSION: i64;
    /// The aggregate it is about; events of one subject keep their order.
    fn subject(&self) -> Uuid;

    /// Turns stored data of the older `version` into the newest shape.
    fn upcast(version: i64, data: Value) -> Value {
        let _ = version;
        data
    }

    /// Reads stored data of any version, as JSON text. Versions that this binary does not know are an error.
    fn read(version: i64, data: &str) -> Result<Self, DecodeError> {
        match version {
            v if v == Self::VERSION => Ok(serde_json::from_str(data)?),
            v if (1..Self::VERSION).contains(&v) => Ok(Self::deserialize(Self::upcast(v, serde_json::from_str(data)?))?),
            version => Err(DecodeError::UnknownVersion { kind: Self::TYPE.to_owned(), version }),
        }
    }
}

/// The closed set of events of one aggregate, as stored in its stream.
pub trait EventSet: Sized + Send + Sync + 'static {
    /// Type and version of this event.
    fn kind(&self) -> (&'static str, i64);
    /// The data, as JSON text.
    fn data(&self) -> serde_json::Result<String>;
    /// Reads what was stored, as JSON text; older versions are upcast here. A type that is not of the set is an error.
    fn decode(kind: &str, version: i64, data: &str) -> Result<Self, DecodeError>;
}

/// Stored data that this binary cannot read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The type is unknown here.
    #[error("unknown event type {0}")]
    UnknownType(String),
    /// The version is newer than this binary, or never existed.
    #[error("event type {kind} has no version {version} here")]
    UnknownVersion {
        /// The event's type.
        kind: String,
        /// The version found.
        version: i64,
    },
    /// The data does not have the shape of its version.
    #[error("event data does not fit: {0}")]
    Data(#[from] serde_json::Error),
}

/// Who and what caused an event; stored beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// W3C trace context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The request that started it all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The event or saga that directly caused this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// The user who acted, or the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// An event as it lies in a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Unique id.
    pub id: Uuid,
    /// The publishing service, such as `orders`.
    pub source: String,
    /// Its place in the publisher's log; only ever compared.
    pub position: i64,
    /// The aggregate.
    pub stream: Uuid,
    /// The version of the aggregate after this event, from 1, without holes.
    pub sequence: i64,
    /// The type, such as `order.created`.
    pub kind: String,
    /// The version of the data's shape.
    pub schema_version: i64,
    /// The data, as JSON text: most readers of a log want few of its events.
    pub data: String,
    /// Who and what caused it.
    pub metadata: Metadata,
    /// When.
    pub time: Time,
}

impl Envelope {
    /// The data as its type, from whatever version it was written in. Fails for other types and shapes.
    pub fn decode<E: Event>(&self) -> Result<E, DecodeError> {
        if self.kind != E::TYPE {
            return Err(DecodeError::UnknownType(self.kind.clone()));
        }
        E::read(self.schema_version, &self.data)
    }

    /// The data; null where it is no JSON, which no log holds.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_default()
    }

    /// As CloudEvents 1.0 JSON.
    pub fn to_cloud_event(&self) -> Value {
        serde_json::json!({
            "specversion": "1.0",
            "id": self.id,
            "source": format!("/{}", self.source),
            "type": self.kind,
            "subject": self.stream,
            "time": self.time,
            "datacontenttype": "application/json",
            "dataschema": format!("/schemas/{}/{}", self.kind, self.schema_version),
            "data": self.json(),
            "traceparent": self.metadata.traceparent,
            "correlationid": self.metadata.correlation_id,
            "causationid": self.metadata.causation_id,
            "actor": self.metadata.actor,
            "sequence": self.sequence,
            "position": self.position,
            "partitionkey": self.stream,
        })
    }

    /// From what [`Envelope::to_cloud_event`] gives.
    pub fn from_cloud_event(event: Value) -> serde_json::Result<Envelope> {
        let event = CloudEvent::deserialize(event)?;
        let schema_version = event.dataschema.rsplit('/').next().and_then(|v| v.parse().ok());
        let schema_version = schema_version.ok_or_else(|| serde::de::Error::custom("dataschema does not end in a version"))?;
        Ok(Envelope {
            id: event.id,
            source: event.source.trim_start_matches('/').to_owned(),
            position: event.position,
            stream: event.subject,
            sequence: event.sequence,
            kind: event.kind,
            schema_version,
            data: event.data.to_string(),
            metadata: Metadata {
                traceparent: event.traceparent,
                correlation_id: event.correlationid,
                causation_id: event.causationid,
                actor: event.actor,
            },
            time: event.time,
        })
    }
}

#[derive(Deserialize)]
struct CloudEvent {
    id: Uuid,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    subject: Uuid,
    time: Time,
    dataschema: String,
    data: Value,
    traceparent: Option<String>,
    correlationid: Option<String>,
    causationid: Option<String>,
    actor: Option<String>,
    sequence: i64,
    position: i64,
}

/// Declares a service's events:
/// `declare_events! { "orders"; OrderCreated = "order.created" v 2 by order_id upcast order_created, … }`.
/// The upcast function, `fn(i64, Value) -> Value`, turns data of an older version into the newest shape.
#[macro_export]
macro_rules! declare_events {
    ($source:literal; $($name:ident = $kind:literal v $version:literal by $subject:ident $(upcast $upcast:path)?),+ $(,)?) => {
        $(impl $crate::Event for $name {
            const SOURCE: &'static str = $source;
            const TYPE: &'static str = $kind;
            const VERSION: i64 = $version;
            fn subject(&self) -> uuid::Uuid {
                self.$subject.into()
            }
            $(fn upcast(version: i64, data: serde_json::Value) -> serde_json::Value {
                $upcast(version, data)
            })?
        })+

        /// Every event of this service, as data.
        pub fn descriptions() -> Vec<$crate::event::Description> {
            vec![$($crate::event::Description::of::<$name>()),+]
        }
    };
}

/// An event type, as data: for schemas, tests and tools.
#[derive(Clone, Copy)]
pub struct Description {
    /// The publishing service.
    pub source: &'static str,
    /// The type.
    pub kind: &'static str,
    /// The newest version.
    pub version: i64,
    /// The JSON Schema of the newest version's data.
    pub schema: fn() -> schemars::Schema,
    /// Reads data of any version and writes it in the newest shape.
    pub rewrite: fn(i64, &Value) -> Result<Value, DecodeError>,
}

impl Description {
    /// Of one type.
    pub fn of<E: Event>() -> Description {
        Description {
            source: E::SOURCE,
            kind: E::TYPE,
            version: E::VERSION,
            schema: || schemars::schema_for!(E),
            rewrite: |version, data| Ok(serde_json::to_value(E::read(version, &data.to_string())?)?),
        }
    }
}

/// Declares the closed set of an aggregate's events:
/// `event_set! { OrderEvent { Created(OrderCreated), Confirmed(OrderConfirmed) } }`.
#[macro_export]
macro_rules! event_set {
    ($(#[$doc:meta])* $set:ident { $($variant:ident($name:ty)),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $set {
            $(#[allow(missing_docs, reason = "the event's own type says it")] $variant($name)),+
        }

        impl $crate::EventSet for $set {
            fn kind(&self) -> (&'static str, i64) {
                match self { $(Self::$variant(_) => (<$name as $crate::Event>::TYPE, <$name as $crate::Event>::VERSION)),+ }
            }
            fn data(&self) -> serde_json::Result<String> {
                match self { $(Self::$variant(e) => serde_json::to_string(e)),+ }
            }
            fn decode(kind: &str, version: i64, data: &str) -> Result<Self, $crate::event::DecodeError> {
                $(if kind == <$name as $crate::Event>::TYPE {
                    return Ok(Self::$variant(<$name as $crate::Event>::read(version, data)?));
                })+
                Err($crate::event::DecodeError::UnknownType(kind.to_owned()))
            }
        }

        $(impl From<$name> for $set {
            fn from(e: $name) -> Self { Self::$variant(e) }
        })+
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_survives_the_way_as_a_cloud_event() {
        let envelope = Envelope {
            id: Uuid::from_u128(1),
            source: "orders".into(),
            position: 7,
            stream: Uuid::from_u128(2),
            sequence: 3,
            kind: "order.created".into(),
            schema_version: 2,
            data: r#"{"a":[1,null]}"#.into(),
            metadata: Metadata { actor: Some("user:1".into()), causation_id: Some("x".into()), ..Metadata::default() },
            time: Time(1_700_000_000_123_456),
        };
        assert_eq!(Envelope::from_cloud_event(envelope.to_cloud_event()).unwrap(), envelope);
        assert!(Envelope::from_cloud_event(serde_json::json!({"id": 1})).is_err());
    }
}
