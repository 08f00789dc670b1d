CREATE TABLE notifications.templates (
  kind text NOT NULL,
  channel text NOT NULL,
  locale text NOT NULL,
  title text NOT NULL,
  body text NOT NULL,
  html text,
  updated_by {id} NOT NULL,
  updated_at {time} NOT NULL,
  PRIMARY KEY (kind, channel, locale)
);
ALTER TABLE notifications.mailbox ADD COLUMN body text;
ALTER TABLE notifications.mailbox ADD COLUMN html text;
