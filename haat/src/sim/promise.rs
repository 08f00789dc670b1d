//! What the platform acknowledged: the rules are checked against this.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value as Json;

/// What was acknowledged to one shopper, and to the stores and staff that dealt with its order.
#[derive(Clone, Default)]
pub struct Promise {
    /// Of somebody with an account: how it signs in.
    pub email: Option<String>,
    /// The header by which the platform knows it.
    pub badge: (&'static str, String),
    /// The request for the order: its key and body.
    pub asked: Option<(String, Json)>,
    /// The order's body, once `201` came back, as first answered.
    pub order: Option<Json>,
    /// The same, byte for byte.
    pub answer: Vec<u8>,
    /// Whether an approval was acknowledged.
    pub approved: bool,
    /// Whether a decline was acknowledged.
    pub declined: bool,
    /// Whether a cancellation was acknowledged.
    pub cancelled: bool,
    /// How far its parts have come.
    pub way: Way,
    /// What goes back by refunds that somebody asked for, in minor units.
    pub refunds: i64,
    /// What was sent back.
    pub returns: Vec<SentBack>,
    /// What must be in the cart, of an account that only looked around: a variant, and how many.
    pub cart: Option<(String, u64)>,
    /// What was promised twice and differently, if anything.
    pub broken: Option<String>,
}

impl fmt::Debug for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Promise { email, badge, asked, approved, declined, cancelled, way, refunds, returns, .. } = self;
        let who = email.as_deref().unwrap_or(&badge.1);
        let (key, body) = asked.as_ref().map(|(key, body)| (key.as_str(), body.to_string())).unwrap_or_default();
        write!(f, "{who} asked with {key} for {body}; approved: {approved}, declined: {declined}, cancelled: {cancelled}, ")?;
        write!(f, "{way:?}, refunds: {refunds}, {returns:?}")
    }
}

impl Promise {
    /// The header by which the platform knows the shopper.
    pub fn badge(&self) -> (&str, &str) {
        (self.badge.0, &self.badge.1)
    }
}

/// How far the parts of an order were acknowledged to have come.
#[derive(Clone, Debug, Default)]
pub struct Way {
    /// The rank of each part's state.
    pub parts: BTreeMap<String, usize>,
    /// Those that were refused at the door.
    pub refused: BTreeSet<String>,
    /// Cash that was taken at doors or later, in minor units.
    pub cash: i64,
    /// Cash that was handed over, in minor units.
    pub remitted: i64,
}

/// A return that was acknowledged.
#[derive(Clone, Debug)]
pub struct SentBack {
    /// Its id.
    pub id: String,
    /// The last state of it that was acknowledged.
    pub status: &'static str,
}
