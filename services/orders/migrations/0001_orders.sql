CREATE TABLE orders.numbers (
  year bigint NOT NULL,
  lane bigint NOT NULL,
  last bigint NOT NULL,
  PRIMARY KEY (year, lane)
);
CREATE TABLE orders.orders (
  id {id} PRIMARY KEY,
  number text NOT NULL UNIQUE,
  user_id {id},
  guest text,
  created_at {time} NOT NULL
);
CREATE INDEX orders_user ON orders.orders (user_id, created_at, id);
CREATE INDEX orders_guest ON orders.orders (guest, created_at, id);
CREATE TABLE orders.vendor_orders (
  id {id} PRIMARY KEY,
  order_id {id} NOT NULL,
  vendor_id {id} NOT NULL,
  status text NOT NULL,
  created_at {time} NOT NULL
);
CREATE INDEX vendor_orders_order ON orders.vendor_orders (order_id);
CREATE INDEX vendor_orders_vendor ON orders.vendor_orders (vendor_id, created_at, id);
CREATE INDEX vendor_orders_status ON orders.vendor_orders (vendor_id, status, created_at, id);
CREATE TABLE orders.contacts (
  order_id {id} PRIMARY KEY,
  email text,
  address {json},
  note text
);
