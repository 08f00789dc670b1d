//! Forgetting.

use kit::db::DbError;

use super::App;
use crate::error::Error;
use crate::store::{attempts, links, sessions};

impl App {
    /// Forgets sessions, tokens and counts that nothing depends on any more, in small transactions.
    pub async fn prune(&self) -> Result<(), Error> {
        let (keep_tokens, window) = (self.config.refresh_token_seconds, self.config.attempts.window_seconds);
        loop {
            let pruned = self.db.write_behind(move |tx| {
                let now = tx.now();
                let expired = sessions::prune(tx, now)?;
                let used = sessions::prune_tokens(tx, now.plus_seconds(-keep_tokens))?;
                let counted = attempts::prune(tx, now.plus_seconds(-window))?;
                let linked = links::prune(tx, now)?;
                Ok::<_, DbError>(expired + used + counted + linked)
            });
            if pruned.await? == 0 {
                return Ok(());
            }
        }
    }
}
