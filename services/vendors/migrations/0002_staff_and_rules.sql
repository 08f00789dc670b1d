ALTER TABLE vendors.stores ADD COLUMN description text;
ALTER TABLE vendors.stores ADD COLUMN support_email text;
ALTER TABLE vendors.stores ADD COLUMN support_phone text;
ALTER TABLE vendors.stores ADD COLUMN version bigint NOT NULL DEFAULT 1;
CREATE TABLE vendors.staff (
  store_id {id} NOT NULL REFERENCES vendors.stores (id),
  user_id {id} NOT NULL,
  added_at {time} NOT NULL,
  PRIMARY KEY (store_id, user_id)
);
CREATE INDEX staff_user ON vendors.staff (user_id, store_id);
CREATE TABLE vendors.commission_rules (
  id {id} PRIMARY KEY,
  place bigint NOT NULL UNIQUE,
  vendor_id {id},
  category_id {id},
  currency text,
  min_amount bigint,
  max_amount bigint,
  basis_points bigint NOT NULL CHECK (basis_points BETWEEN 0 AND 10000),
  CHECK (currency IS NOT NULL OR (min_amount IS NULL AND max_amount IS NULL))
);
CREATE INDEX commission_rules_vendor ON vendors.commission_rules (vendor_id, place);
