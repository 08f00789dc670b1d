//! Products out of the catalog, as an import takes them again.

use contracts::files::page;
use contracts::{ProductId, VendorId};

use super::App;
use crate::domain::{ExportedProduct, ExportedStock, ExportedVariant, MediaInput, Variant};
use crate::error::Error;
use crate::store::{self, MAIN_WAREHOUSE};

impl App {
    /// The products after one by id, of one store or of all, about 2 MB of them, and the last where there are more.
    pub async fn export(
        &self,
        vendor: Option<VendorId>,
        after: Option<ProductId>,
        limit: i64,
    ) -> Result<(Vec<ExportedProduct>, Option<ProductId>), Error> {
        let public_url = self.public_url.clone();
        self.db
            .read(move |q| {
                let mut found = store::after(q, vendor, after, limit)?;
                let is_more = found.len() as i64 > limit;
                found.truncate(usize::try_from(limit).unwrap_or_default());
                let ids: Vec<_> = found.iter().map(|(p, _)| p.id.0).collect();
                let (unshown, categories) = (store::unshown(q, &ids)?, store::category_names(q)?);
                let exported = found.into_iter().map(|(product, handle)| {
                    let id = product.id;
                    let product = product.located(&public_url);
                    let filed: Vec<_> = product.category_ids.iter().filter_map(|c| categories.get(c)).map(String::as_str).collect();
                    let exported = ExportedProduct {
                        handle,
                        vendor: product.vendor_id.to_string(),
                        title: product.title,
                        description: product.description,
                        brand: product.brand,
                        kind: product.kind,
                        status: product.status,
                        category: Some(filed.join("|")).filter(|c| !c.is_empty()),
                        attributes: product.attributes,
                        media: product.media.into_iter().map(|m| MediaInput { url: m.url, alt: m.alt }).collect(),
                        variants: product.variants.into_iter().map(|v| variant(v, &unshown)).collect(),
                    };
                    (id, Some(exported))
                });
                Ok(page(exported, is_more))
            })
            .await
    }
}

fn variant(v: Variant, unshown: &store::Unshown) -> ExportedVariant {
    let place = |(warehouse, on_hand): &(contracts::WarehouseId, i64)| ExportedStock {
        warehouse_id: Some(*warehouse).filter(|w| *w != MAIN_WAREHOUSE),
        on_hand: *on_hand,
    };
    ExportedVariant {
        low_stock_at: unshown.low_stock_at.get(&v.id).copied(),
        stock: unshown.stock.get(&v.id).into_iter().flatten().map(place).collect(),
        sku: v.sku,
        title: v.title,
        options: v.options,
        price: v.price,
        compare_at_price: v.compare_at_price,
        weight_grams: v.weight_grams,
    }
}
