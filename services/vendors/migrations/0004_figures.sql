CREATE TABLE vendors.sales (
  part_id {id} PRIMARY KEY,
  order_id {id} NOT NULL,
  vendor_id {id} NOT NULL,
  currency text NOT NULL,
  total bigint NOT NULL,
  pieces bigint NOT NULL,
  confirmed_us bigint,
  shipped_us bigint,
  delivered_us bigint,
  refused_us bigint,
  cancelled_us bigint
);
CREATE INDEX sales_of_order ON vendors.sales (order_id);
CREATE INDEX sales_confirmed ON vendors.sales (vendor_id, confirmed_us) WHERE confirmed_us IS NOT NULL;
CREATE TABLE vendors.returns (
  id {id} PRIMARY KEY,
  part_id {id} NOT NULL,
  pieces bigint NOT NULL,
  received_us bigint,
  rejected_us bigint
);
CREATE INDEX returns_of_sale ON vendors.returns (part_id);
CREATE TABLE vendors.earnings (
  id {id} NOT NULL,
  kind text NOT NULL,
  vendor_id {id} NOT NULL,
  currency text NOT NULL,
  earned bigint NOT NULL,
  commission bigint NOT NULL,
  tax bigint NOT NULL,
  at_us bigint NOT NULL,
  PRIMARY KEY (id, kind, vendor_id)
);
CREATE INDEX earnings_listed ON vendors.earnings (vendor_id, at_us);
