CREATE TABLE notifications.deliveries (
  message_id {id} PRIMARY KEY,
  channel text NOT NULL,
  address text NOT NULL,
  status text NOT NULL,
  attempts bigint NOT NULL,
  series_from bigint NOT NULL,
  next_at {time},
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE INDEX deliveries_listed ON notifications.deliveries (created_at, message_id);
CREATE INDEX deliveries_by_status ON notifications.deliveries (status, created_at, message_id);
CREATE TABLE notifications.attempts (
  message_id {id} NOT NULL,
  number bigint NOT NULL,
  outcome text NOT NULL,
  answer text NOT NULL,
  tried_at {time} NOT NULL,
  PRIMARY KEY (message_id, number)
);
