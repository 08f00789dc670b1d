CREATE TABLE notifications.webhooks (
  id {id} PRIMARY KEY,
  owner {id} NOT NULL,
  slot bigint NOT NULL,
  url text NOT NULL,
  description text NOT NULL,
  event_types {json} NOT NULL,
  enabled {bool} NOT NULL,
  disabled_reason text,
  secret {bytes} NOT NULL,
  old_secret {bytes},
  old_secret_until {time},
  failing_since {time},
  created_by {id} NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL,
  UNIQUE (owner, slot)
);
CREATE INDEX webhooks_listed ON notifications.webhooks (owner, created_at, id);
CREATE TABLE notifications.webhook_deliveries (
  id {id} PRIMARY KEY,
  webhook_id {id} NOT NULL,
  event_id {id} NOT NULL,
  event_type text NOT NULL,
  payload text NOT NULL,
  status text NOT NULL,
  attempts bigint NOT NULL,
  series bigint NOT NULL,
  series_from bigint NOT NULL,
  next_at {time},
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL,
  UNIQUE (webhook_id, event_id)
);
CREATE INDEX webhook_deliveries_listed ON notifications.webhook_deliveries (webhook_id, created_at, id);
CREATE INDEX webhook_deliveries_aged ON notifications.webhook_deliveries (created_at, id);
CREATE TABLE notifications.webhook_attempts (
  delivery_id {id} NOT NULL,
  number bigint NOT NULL,
  status bigint,
  answer text NOT NULL,
  duration_ms bigint NOT NULL,
  tried_at {time} NOT NULL,
  PRIMARY KEY (delivery_id, number)
);
