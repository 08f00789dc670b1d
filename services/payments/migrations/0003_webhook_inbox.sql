CREATE TABLE payments.webhook_inbox (
  id {id} PRIMARY KEY,
  provider text NOT NULL,
  message text UNIQUE,
  kind text,
  payment_id {id},
  verdict text NOT NULL,
  detail text,
  headers {json} NOT NULL,
  body {bytes} NOT NULL,
  received_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE INDEX payments_webhook_inbox_listed ON payments.webhook_inbox (received_at, id);
CREATE INDEX payments_webhook_inbox_by_verdict ON payments.webhook_inbox (verdict, received_at, id);
