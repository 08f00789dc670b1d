CREATE TABLE payments.payments (
  id {id} PRIMARY KEY,
  order_id {id} NOT NULL,
  user_id {id},
  guest text,
  method text NOT NULL,
  status text NOT NULL,
  amount bigint NOT NULL,
  currency text NOT NULL,
  refunded bigint NOT NULL,
  action_url text,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL,
  CHECK (amount >= 0 AND refunded >= 0 AND refunded <= amount)
);
CREATE INDEX payments_of_order ON payments.payments (order_id, created_at, id);
CREATE INDEX payments_of_user ON payments.payments (user_id, created_at, id);
CREATE TABLE payments.refunds (
  id {id} PRIMARY KEY,
  payment_id {id} NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  currency text NOT NULL,
  status text NOT NULL,
  reason text NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE INDEX payments_refunds_of_payment ON payments.refunds (payment_id, created_at, id);
CREATE TABLE payments.webhooks (
  id text PRIMARY KEY,
  kind text NOT NULL,
  payment_id {id} NOT NULL,
  body {json} NOT NULL,
  received_at {time} NOT NULL
);
CREATE INDEX payments_webhooks_received ON payments.webhooks (received_at);
CREATE TABLE payments.journals (
  id {id} PRIMARY KEY,
  kind text NOT NULL,
  order_id {id} NOT NULL,
  payment_id {id} NOT NULL,
  currency text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  created_at {time} NOT NULL
);
CREATE TABLE payments.entries (
  id {id} PRIMARY KEY,
  journal_id {id} NOT NULL REFERENCES payments.journals (id),
  order_id {id} NOT NULL,
  account text NOT NULL,
  debit bigint NOT NULL,
  credit bigint NOT NULL,
  currency text NOT NULL,
  created_at {time} NOT NULL,
  CHECK ((debit > 0 AND credit = 0) OR (debit = 0 AND credit > 0))
);
CREATE INDEX payments_entries_of_order ON payments.entries (order_id, created_at, id);
CREATE INDEX payments_entries_of_account ON payments.entries (account, currency);
CREATE INDEX payments_entries_listed ON payments.entries (created_at, id);
