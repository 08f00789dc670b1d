CREATE TABLE payments.cash (
  id {id} PRIMARY KEY,
  payment_id {id} NOT NULL,
  order_id {id} NOT NULL,
  vendor_id {id} NOT NULL,
  currency text NOT NULL,
  due bigint NOT NULL,
  collected bigint NOT NULL,
  remitted bigint NOT NULL,
  status text NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL,
  UNIQUE (payment_id, vendor_id),
  CHECK (remitted >= 0 AND remitted <= collected AND collected <= due)
);
CREATE INDEX payments_cash_listed ON payments.cash (created_at, id);
CREATE INDEX payments_cash_of_vendor ON payments.cash (vendor_id, created_at, id);
CREATE INDEX payments_cash_in_transit ON payments.cash (vendor_id, currency, created_at, id) WHERE collected > remitted;
CREATE TABLE payments.remittances (
  id {id} PRIMARY KEY,
  vendor_id {id} NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  currency text NOT NULL,
  reference text NOT NULL,
  created_at {time} NOT NULL
);
CREATE INDEX payments_remittances_listed ON payments.remittances (created_at, id);
