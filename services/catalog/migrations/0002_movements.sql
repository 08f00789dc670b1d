-- Why there is as much on hand as there is: the sum of a place's movements is what it has.
CREATE TABLE catalog.stock_movements (
  id {id} PRIMARY KEY,
  product_id {id} NOT NULL REFERENCES catalog.products (id),
  variant_id {id} NOT NULL REFERENCES catalog.variants (id),
  warehouse_id {id} NOT NULL REFERENCES catalog.warehouses (id),
  kind text NOT NULL,
  delta bigint NOT NULL,
  on_hand bigint NOT NULL CHECK (on_hand >= 0),
  reservation_id {id},
  reason text NOT NULL,
  actor text,
  created_at {time} NOT NULL
);
CREATE INDEX stock_movements_product ON catalog.stock_movements (product_id, created_at, id);
CREATE INDEX stock_movements_place ON catalog.stock_movements (variant_id, warehouse_id, id);
-- Until now there was one warehouse, so that a variant's id names its stock.
INSERT INTO catalog.stock_movements (id, product_id, variant_id, warehouse_id, kind, delta, on_hand, reason, created_at)
  SELECT s.variant_id, v.product_id, s.variant_id, s.warehouse_id, 'received', s.on_hand, s.on_hand, 'opening stock', p.created_at
  FROM catalog.stock s JOIN catalog.variants v ON v.id = s.variant_id JOIN catalog.products p ON p.id = v.product_id
  WHERE s.on_hand > 0;
ALTER TABLE catalog.reservations ADD COLUMN returns {json} NOT NULL DEFAULT '[]';
