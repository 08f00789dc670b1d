CREATE TABLE catalog.warehouses (
  id {id} PRIMARY KEY,
  code text NOT NULL UNIQUE,
  name text NOT NULL
);
CREATE TABLE catalog.products (
  id {id} PRIMARY KEY,
  vendor_id {id} NOT NULL,
  vendor_name text NOT NULL,
  handle text NOT NULL,
  slug text NOT NULL UNIQUE,
  kind text NOT NULL,
  status text NOT NULL,
  title text NOT NULL,
  description text NOT NULL,
  brand text,
  category_ids {json} NOT NULL,
  attributes {json} NOT NULL,
  media {json} NOT NULL,
  source_hash {bytes} NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL,
  UNIQUE (vendor_id, handle)
);
CREATE INDEX products_newest ON catalog.products (status, created_at, id);
CREATE INDEX products_vendor ON catalog.products (vendor_id, status, created_at, id);
CREATE TABLE catalog.variants (
  id {id} PRIMARY KEY,
  product_id {id} NOT NULL REFERENCES catalog.products (id),
  place bigint NOT NULL,
  sku text NOT NULL,
  title text NOT NULL,
  options {json} NOT NULL,
  price bigint NOT NULL CHECK (price >= 0),
  currency text NOT NULL,
  compare_at_price bigint,
  weight_grams bigint NOT NULL,
  removed {bool} NOT NULL,
  UNIQUE (product_id, sku)
);
CREATE TABLE catalog.stock (
  variant_id {id} NOT NULL REFERENCES catalog.variants (id),
  warehouse_id {id} NOT NULL REFERENCES catalog.warehouses (id),
  on_hand bigint NOT NULL CHECK (on_hand >= 0),
  reserved bigint NOT NULL CHECK (reserved >= 0),
  CHECK (reserved <= on_hand),
  PRIMARY KEY (variant_id, warehouse_id)
);
CREATE TABLE catalog.reservations (
  id {id} PRIMARY KEY,
  state text NOT NULL,
  lines {json} NOT NULL,
  expires_at {time} NOT NULL,
  created_at {time} NOT NULL
);
CREATE INDEX reservations_expiry ON catalog.reservations (state, expires_at);
