//! Whether the master key is the one under which the data was sealed.

use anyhow::bail;
use kit::db::Database;

/// Looks at what the services that `runs` says run here have sealed. Changes nothing; a database without anything sealed
/// takes any key.
pub async fn check(database: &Database, master_key: &[u8; 32], runs: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    let accounts = database.view(identity::SERVICE.name);
    if runs(accounts.service()) && !identity::fits_master_key(&accounts, master_key).await? {
        return refuse("the keys that sign people in");
    }
    let webhooks = database.view(notifications::SERVICE.name);
    if runs(webhooks.service()) && !notifications::fits_master_key(&webhooks, master_key).await? {
        return refuse("the secrets of webhooks");
    }
    Ok(())
}

fn refuse(what: &str) -> anyhow::Result<()> {
    bail!(
        "master_key: this is another key than the one under which {what} were sealed in this database. Give the one that belongs to the data, \
         as HAAT_MASTER_KEY, HAAT_MASTER_KEY_FILE or master.key in the data directory; see docs/operations/backup.md"
    )
}
