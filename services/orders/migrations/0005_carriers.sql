-- Under which number a carrier has a part: by carrier and number as they are compared, so that a carrier's word finds it.
CREATE TABLE orders.parcels (
  id {id} PRIMARY KEY,
  order_id {id} NOT NULL,
  carrier text NOT NULL,
  number text NOT NULL
);
CREATE INDEX parcels_number ON orders.parcels (carrier, number, order_id, id);
CREATE INDEX parcels_order ON orders.parcels (order_id);
CREATE TABLE orders.parcels_next (
  id {id} PRIMARY KEY,
  order_id {id} NOT NULL,
  carrier text NOT NULL,
  number text NOT NULL
);
CREATE INDEX parcels_next_order ON orders.parcels_next (order_id);
CREATE TABLE orders.carrier_steps (
  id {id} PRIMARY KEY,
  order_id {id} NOT NULL,
  vendor_order_id {id} NOT NULL,
  message text NOT NULL,
  status text NOT NULL,
  happened_at {time} NOT NULL,
  location text,
  note text,
  UNIQUE (vendor_order_id, message)
);
CREATE INDEX carrier_steps_order ON orders.carrier_steps (order_id, happened_at, id);
CREATE TABLE orders.carrier_inbox (
  id {id} PRIMARY KEY,
  carrier text NOT NULL,
  message text UNIQUE,
  status text,
  number text,
  verdict text NOT NULL,
  detail text,
  headers {json} NOT NULL,
  body {bytes} NOT NULL,
  received_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE INDEX carrier_inbox_listed ON orders.carrier_inbox (received_at, id);
CREATE INDEX carrier_inbox_by_verdict ON orders.carrier_inbox (verdict, received_at, id);
CREATE INDEX carrier_inbox_by_number ON orders.carrier_inbox (carrier, number, received_at, id);
