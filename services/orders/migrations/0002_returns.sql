CREATE TABLE orders.returns (
  id {id} PRIMARY KEY,
  order_id {id} NOT NULL,
  vendor_order_id {id} NOT NULL,
  vendor_id {id} NOT NULL,
  status text NOT NULL,
  created_at {time} NOT NULL
);
CREATE INDEX returns_order ON orders.returns (order_id, created_at, id);
CREATE INDEX returns_vendor ON orders.returns (vendor_id, created_at, id);
CREATE INDEX returns_status ON orders.returns (vendor_id, status, created_at, id);
