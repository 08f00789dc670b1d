//! Somebody's new messages as they come. Who reads slowly is waited for: a stream holds one batch and no queue.

use std::collections::VecDeque;
use std::time::Duration;

use contracts::UserId;
use kit::Tasks;
use kit::db::Dialect;

use super::App;
use super::live::Ear;
use crate::error::Error;
use crate::store::{self, Placed};

/// How many messages a stream reads at once.
const BATCH: i64 = 50;
/// How often it looks where another process may have written something, and where none can.
const LOOK_SHARED: Duration = Duration::from_secs(5);
const LOOK_ALONE: Duration = Duration::from_secs(60);

/// A stream of somebody's messages within the application.
pub(crate) struct Feed {
    app: App,
    tasks: Tasks,
    user: UserId,
    /// The place of the last message that was taken.
    place: i64,
    batch: VecDeque<Placed>,
    ear: Ear,
}

impl App {
    /// Follows a user's list: from behind `after` where that is known, else from now on.
    pub async fn follow(&self, user: UserId, after: Option<i64>) -> Result<Feed, Error> {
        let ear = self.live.listen(user.0).ok_or(Error::TooManyStreams)?;
        let last = self.db.read(move |q| store::last_place(q, user.0)).await?;
        // A place that is not there yet would swallow what comes until then.
        let place = after.map_or(last, |after| after.min(last));
        Ok(Feed { app: self.clone(), tasks: self.tasks.clone(), user, place, batch: VecDeque::new(), ear })
    }
}

impl Feed {
    /// The place of the last message that was taken.
    pub fn place(&self) -> i64 {
        self.place
    }

    /// The next message, as soon as there is one; `None` where the process stops or the database does not answer: the
    /// client comes again, and says how far it came.
    pub async fn next(&mut self) -> Option<Placed> {
        loop {
            if let Some(next) = self.batch.pop_front() {
                self.place = next.place;
                return Some(next);
            }
            self.ear.clear();
            let (user, place) = (self.user.0, self.place);
            match self.app.db.read(move |q| store::placed_after(q, user, place, BATCH)).await {
                Ok(batch) => self.batch = batch.into(),
                Err(e) => {
                    tracing::warn!(error = %e, "a stream of notifications ends: its messages cannot be read");
                    return None;
                }
            }
            if self.batch.is_empty() {
                self.wait().await?;
            }
        }
    }

    async fn wait(&mut self) -> Option<()> {
        let look = if self.app.db.dialect() == Dialect::Sqlite { LOOK_ALONE } else { LOOK_SHARED };
        tokio::select! {
            biased;
            () = self.tasks.stopping() => None,
            () = self.ear.told() => Some(()),
            () = tokio::time::sleep(look) => Some(()),
        }
    }
}
