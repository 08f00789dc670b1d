CREATE TABLE notifications.opt_outs (
  recipient {id} NOT NULL,
  kind text NOT NULL,
  channel text NOT NULL,
  created_at {time} NOT NULL,
  PRIMARY KEY (recipient, kind, channel)
);
CREATE TABLE notifications.quiet_hours (
  recipient {id} PRIMARY KEY,
  starts text NOT NULL,
  ends text NOT NULL,
  time_zone text NOT NULL,
  updated_at {time} NOT NULL
);
