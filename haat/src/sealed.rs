//! Whether the master key is the one under which the data was sealed.

use anyhow::bail;
use kit::db::{Database, DbError};

use crate::platform;

/// Looks at what the services that `runs` says run here have sealed. Changes nothing; a database without anything sealed
/// takes any key.
pub async fn check(database: &Database, master_key: &[u8; 32], runs: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    for def in platform::SERVICES.iter().filter(|def| runs(def.name)) {
        let (Some(sealed), key) = (def.sealed, *master_key) else { continue };
        match database.view(def.name).read(move |q| (sealed.opens)(q, &key)).await {
            Ok(true) => {}
            // There is no schema yet.
            Err(DbError::Internal(_)) => {}
            Ok(false) => return refuse(sealed.what),
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

fn refuse(what: &str) -> anyhow::Result<()> {
    bail!(
        "master_key: this is another key than the one under which {what} were sealed in this database. Give the one that belongs to the data, \
         as HAAT_MASTER_KEY, HAAT_MASTER_KEY_FILE or master.key in the data directory; see docs/operations/backup.md"
    )
}
