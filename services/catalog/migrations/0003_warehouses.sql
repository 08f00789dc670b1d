-- A warehouse is the marketplace's, or one store's own.
ALTER TABLE catalog.warehouses ADD COLUMN vendor_id {id};
ALTER TABLE catalog.warehouses ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE catalog.warehouses ADD COLUMN created_at {time};
ALTER TABLE catalog.warehouses ADD COLUMN updated_at {time};
UPDATE catalog.warehouses SET created_at = (SELECT MIN(p.created_at) FROM catalog.products p),
  updated_at = (SELECT MIN(p.created_at) FROM catalog.products p);
-- At how many left a store wants to know; null for the usual number.
ALTER TABLE catalog.variants ADD COLUMN low_stock_at bigint;
-- Variants whose store was told that few are left.
CREATE TABLE catalog.low_stock (
  variant_id {id} PRIMARY KEY REFERENCES catalog.variants (id),
  since {time} NOT NULL
);
-- Who wants to know when a variant is back.
CREATE TABLE catalog.stock_waits (
  variant_id {id} NOT NULL REFERENCES catalog.variants (id),
  user_id {id} NOT NULL,
  created_at {time} NOT NULL,
  PRIMARY KEY (variant_id, user_id)
);
