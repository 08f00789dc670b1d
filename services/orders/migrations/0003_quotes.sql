CREATE TABLE orders.quotes (
  id {id} PRIMARY KEY,
  user_id {id},
  guest text,
  quote {json} NOT NULL,
  expires_at {time} NOT NULL
);
CREATE INDEX quotes_expiry ON orders.quotes (expires_at);
