//! How many products lie in each category: counted at most once a second, however often it is asked.

use std::sync::Arc;

use contracts::Time;
use kit::{Clock, Db};
use tokio::sync::Mutex;

use crate::error::Error;
use crate::store::{self, Counts};

/// How old a count may be, in microseconds.
const AGE_MAX_US: i64 = 1_000_000;

/// The last count.
#[derive(Clone, Default)]
pub(crate) struct Counted(Arc<Mutex<Option<Made>>>);

struct Made {
    at: Time,
    counts: Arc<Counts>,
}

impl Counted {
    /// The counts of all categories, at most a second old. Who comes while they are made waits for them.
    pub async fn get(&self, db: &Db, clock: &Clock) -> Result<Arc<Counts>, Error> {
        let mut last = self.0.lock().await;
        let now = clock.now();
        if let Some(made) = last.as_ref().filter(|made| (0..AGE_MAX_US).contains(&(now.0 - made.at.0))) {
            return Ok(made.counts.clone());
        }
        let counts = Arc::new(db.read(|q| Ok::<_, Error>(store::category_counts(q)?)).await?);
        *last = Some(Made { at: now, counts: counts.clone() });
        Ok(counts)
    }
}
