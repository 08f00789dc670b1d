//! Answers to lists that anybody may see, kept for a moment: shelves are looked at far more often than they change.
//!
//! What is asked for again is answered with the same bytes; where many ask at once, it is worked out once. What is asked for
//! otherwise is made of the products of other lists, each written out once a moment. A product that is changed by way of
//! this process is seen in the next answer; stock, and what other processes change, when the moment is over.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use contracts::ProductId;
use kit::{DbError, Problem};
use moka::{future, sync};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::domain::{Product, Status};
use crate::store::Place;

/// How much memory answers take at most, and products as much again.
const BYTES_MAX: u64 = 16 << 20;
/// What a kept product takes besides its text.
const ENTRY_BYTES: usize = 128;

/// What was answered of late.
#[derive(Clone)]
pub(crate) struct Kept {
    /// None where nothing is kept.
    caches: Option<Caches>,
    /// How often something changed; part of the keys, so that what was begun before a change serves nobody after it.
    changes: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Caches {
    answers: future::Cache<String, Bytes>,
    products: Products,
}

/// By how often something had changed when they were written out.
type Products = sync::Cache<(u64, ProductId), Written>;

/// A product as JSON.
#[derive(Clone)]
struct Written(Arc<RawValue>);

/// A product in a list.
pub(crate) struct Listed {
    /// Where it stands.
    pub place: Place,
    written: Written,
}

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.0.serialize(serializer)
    }
}

impl Kept {
    /// Nothing that is answered is older than `time`, and the moment that it takes to work it out: an answer is kept for half of it, the products in it for the other half.
    pub fn new(time: Duration) -> Kept {
        Kept { caches: (!time.is_zero()).then(|| Caches::new(time / 2)), changes: Arc::default() }
    }

    /// The answer to what is `asked`; where it is not at hand, as it is worked out now.
    pub async fn answer<T: Serialize>(&self, asked: &str, work_out: impl Future<Output = Result<T, Problem>>) -> Result<Bytes, Problem> {
        let made = async { work_out.await.map(|answer| json(&answer)) };
        let Some(Caches { answers, .. }) = &self.caches else { return made.await };
        let key = format!("{} {asked}", self.changes.load(Ordering::Acquire));
        answers.try_get_with(key, made).await.map_err(|problem: Arc<Problem>| Problem::clone(&problem))
    }

    /// The products that were written out of late, for a list that is read from now on; none for lists that not anybody may see.
    pub fn shelf(&self, status: Option<Status>) -> Shelf {
        let products = self.caches.as_ref().filter(|_| Status::is_public(status)).map(|caches| caches.products.clone());
        Shelf { changes: self.changes.load(Ordering::Acquire), products }
    }

    /// Something has changed.
    pub fn forget(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }
}

impl Caches {
    /// Each keeps what it has for `time`.
    fn new(time: Duration) -> Caches {
        let answer = |key: &String, answer: &Bytes| u32::try_from(key.len() + answer.len()).unwrap_or(u32::MAX);
        let product = |_: &(u64, ProductId), written: &Written| u32::try_from(written.0.get().len() + ENTRY_BYTES).unwrap_or(u32::MAX);
        Caches {
            answers: future::Cache::builder().max_capacity(BYTES_MAX).weigher(answer).time_to_live(time).build(),
            products: sync::Cache::builder().max_capacity(BYTES_MAX).weigher(product).time_to_live(time).build(),
        }
    }
}

/// Products as they are after so many changes.
pub(crate) struct Shelf {
    changes: u64,
    products: Option<Products>,
}

impl Shelf {
    /// The products of these places, in their order; those that are not at hand are read, and written out as `shown`.
    pub fn fill(
        &self,
        places: &[Place],
        read: impl FnOnce(&[ProductId]) -> Result<Vec<Product>, DbError>,
        shown: impl Fn(Product) -> Product,
    ) -> Result<Vec<Listed>, DbError> {
        let mut at_hand: BTreeMap<ProductId, Written> = BTreeMap::new();
        if let Some(products) = &self.products {
            at_hand.extend(places.iter().filter_map(|p| Some((p.id, products.get(&(self.changes, p.id))?))));
        }
        let missing: Vec<_> = places.iter().map(|p| p.id).filter(|id| !at_hand.contains_key(id)).collect();
        for product in read(&missing)? {
            let (id, written) = (product.id, written(&shown(product))?);
            if let Some(products) = &self.products {
                products.insert((self.changes, id), written.clone());
            }
            at_hand.insert(id, written);
        }
        Ok(places.iter().filter_map(|place| Some(Listed { place: *place, written: at_hand.get(&place.id)?.clone() })).collect())
    }
}

fn written(product: &Product) -> Result<Written, DbError> {
    let raw = serde_json::value::to_raw_value(product).map_err(|e| DbError::Internal(format!("a product makes no JSON: {e}")))?;
    Ok(Written(raw.into()))
}

fn json<T: Serialize>(answer: &T) -> Bytes {
    serde_json::to_vec(answer).expect("products always make JSON").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_worked_out_once_until_something_changes() {
        let kept = Kept::new(Duration::from_secs(60));
        let calls = AtomicU64::new(0);
        let ask = || async { kept.answer("?limit=2", async { Ok(calls.fetch_add(1, Ordering::SeqCst)) }).await.unwrap() };
        let (a, b) = tokio::join!(ask(), ask());
        assert_eq!((&a[..], &b[..]), (&b"0"[..], &b"0"[..]));
        kept.forget();
        assert_eq!(ask().await, "1");
        assert_eq!(ask().await, "1");
    }

    #[tokio::test]
    async fn without_a_time_nothing_is_kept() {
        let (kept, calls) = (Kept::new(Duration::ZERO), AtomicU64::new(0));
        let ask = || async { kept.answer("?limit=2", async { Ok(calls.fetch_add(1, Ordering::SeqCst)) }).await.unwrap() };
        assert_eq!((&ask().await[..], &ask().await[..]), (&b"0"[..], &b"1"[..]));
    }

    #[test]
    fn a_product_is_read_once_until_something_changes_and_never_for_lists_that_not_anybody_may_see() {
        let kept = Kept::new(Duration::from_secs(60));
        let places = [place(1), place(2)];
        let read = |status, places: &[Place]| {
            let mut missing = Vec::new();
            let found = |ids: &[ProductId]| {
                missing = ids.to_vec();
                Ok(ids.iter().rev().map(|id| product(*id)).collect())
            };
            let listed = kept.shelf(status).fill(places, found, |p| p).unwrap();
            assert_eq!(listed.iter().map(|l| l.place.id).collect::<Vec<_>>(), places.iter().map(|p| p.id).collect::<Vec<_>>());
            assert!(listed.iter().all(|l| l.written.0.get().contains(&l.place.id.to_string())));
            missing.len()
        };
        assert_eq!(read(None, &places[..1]), 1);
        assert_eq!(read(Some(Status::Published), &places), 1);
        assert_eq!(read(None, &places), 0);
        assert_eq!(read(Some(Status::Draft), &places), 2);
        let before = kept.shelf(None);
        kept.forget();
        before.fill(&places, |ids| Ok(ids.iter().map(|id| product(*id)).collect()), |p| p).unwrap();
        assert_eq!(read(None, &places), 2, "what was begun before the change serves nobody after it");
    }

    fn place(number: u128) -> Place {
        Place { id: ProductId(uuid::Uuid::from_u128(number)), created_at: contracts::Time(0), lowest_price: 0 }
    }

    fn product(id: ProductId) -> Product {
        let text = serde_json::json!({
            "id": id, "slug": "", "kind": "physical", "status": "published", "vendorId": id.0, "vendorName": "", "title": "", "description": "",
            "brand": null, "categoryIds": [], "attributes": {}, "media": [], "variants": [], "rating": {"average": null, "count": 0},
            "createdAt": contracts::Time(0), "updatedAt": contracts::Time(0)
        });
        serde_json::from_value(text).unwrap()
    }

    #[tokio::test]
    async fn a_problem_is_not_kept() {
        let kept = Kept::new(Duration::from_secs(60));
        let failed = kept.answer("", async { Err::<(), _>(Problem::not_found("category")) }).await.unwrap_err();
        assert_eq!(failed.code, "not_found");
        assert_eq!(kept.answer("", async { Ok(1) }).await.unwrap(), "1");
    }
}
