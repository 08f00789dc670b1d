-- Lists that are narrowed to a range of prices pass over what is out of it without looking at variants, and see that in the index.
ALTER TABLE catalog.products ADD COLUMN highest_price bigint NOT NULL DEFAULT 0;
UPDATE catalog.products SET highest_price = COALESCE((SELECT MAX(v.price) FROM catalog.variants v
  WHERE v.product_id = catalog.products.id AND v.removed = false), 0);
DROP INDEX catalog.products_newest;
CREATE INDEX products_newest ON catalog.products (status, created_at, id, lowest_price, highest_price);
DROP INDEX catalog.products_price;
CREATE INDEX products_price ON catalog.products (status, lowest_price, id, highest_price);
