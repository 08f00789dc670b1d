//! Stock, as an operator looks after it.

use std::fmt::Write;

use contracts::proto::catalog::RepairStockRequest;
use contracts::proto::catalog::catalog_client::CatalogClient;
use kit::Env;

/// Compares all stock with its movements and reservations, and puts right what differs, but for a dry run. Returns what
/// there is to say.
pub async fn repair(console: &Env, dry_run: bool) -> anyhow::Result<String> {
    let request = RepairStockRequest { dry_run };
    let found = CatalogClient::new(console.channel("catalog")?).repair_stock(request).await?.into_inner().differences;
    let mut said = String::new();
    for d in &found {
        let (variant, warehouse) = (&d.variant_id, &d.warehouse_id);
        write!(said, "variant {variant} in warehouse {warehouse}: ")?;
        writeln!(said, "{} on hand, {} is right; {} reserved, {} is right", d.on_hand, d.on_hand_right, d.reserved, d.reserved_right)?;
    }
    match (found.len(), dry_run) {
        (0, _) => writeln!(said, "there is nothing to mend")?,
        (n, true) => writeln!(said, "{n} places differ; nothing was changed")?,
        (n, false) => writeln!(said, "{n} places were mended; their movements say what they were")?,
    }
    Ok(said)
}
