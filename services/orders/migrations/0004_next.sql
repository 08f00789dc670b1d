-- Where a replay builds the read model anew; empty at other times. The columns are those of the tables without `_next`.
CREATE TABLE orders.orders_next (
  id {id} PRIMARY KEY,
  number text NOT NULL,
  user_id {id},
  guest text,
  created_at {time} NOT NULL
);
CREATE TABLE orders.vendor_orders_next (
  id {id} PRIMARY KEY,
  order_id {id} NOT NULL,
  vendor_id {id} NOT NULL,
  status text NOT NULL,
  created_at {time} NOT NULL
);
CREATE INDEX vendor_orders_next_order ON orders.vendor_orders_next (order_id);
CREATE TABLE orders.returns_next (
  id {id} PRIMARY KEY,
  order_id {id} NOT NULL,
  vendor_order_id {id} NOT NULL,
  vendor_id {id} NOT NULL,
  status text NOT NULL,
  created_at {time} NOT NULL
);
CREATE INDEX returns_next_order ON orders.returns_next (order_id);
