CREATE TABLE sandbox.sessions (
  payment_id {id} PRIMARY KEY,
  token text UNIQUE,
  status text NOT NULL,
  answer text,
  amount bigint NOT NULL,
  currency text NOT NULL,
  reference text NOT NULL,
  webhook_url text NOT NULL,
  return_url text NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE TABLE sandbox.charges (
  id {id} PRIMARY KEY,
  payment_id {id} NOT NULL UNIQUE,
  amount bigint NOT NULL CHECK (amount > 0),
  currency text NOT NULL,
  refunded bigint NOT NULL,
  created_at {time} NOT NULL,
  CHECK (refunded >= 0 AND refunded <= amount)
);
CREATE INDEX sandbox_charges_listed ON sandbox.charges (created_at, id);
CREATE TABLE sandbox.refunds (
  id {id} PRIMARY KEY,
  payment_id {id} NOT NULL,
  amount bigint NOT NULL,
  status text NOT NULL,
  error text NOT NULL,
  created_at {time} NOT NULL
);
