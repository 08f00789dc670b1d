ALTER TABLE catalog.products ADD COLUMN version bigint NOT NULL DEFAULT 1;
-- Lists are sorted by the price of the cheapest variant.
ALTER TABLE catalog.products ADD COLUMN lowest_price bigint NOT NULL DEFAULT 0;
UPDATE catalog.products SET lowest_price = COALESCE((SELECT MIN(v.price) FROM catalog.variants v
  WHERE v.product_id = catalog.products.id AND v.removed = false), 0);
CREATE INDEX products_price ON catalog.products (status, lowest_price, id);
CREATE INDEX products_brand ON catalog.products (brand, status, created_at, id);
-- Names in addresses that a product had before.
CREATE TABLE catalog.old_slugs (
  slug text PRIMARY KEY,
  product_id {id} NOT NULL REFERENCES catalog.products (id)
);
