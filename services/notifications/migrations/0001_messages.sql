CREATE TABLE notifications.messages (
  id {id} PRIMARY KEY,
  recipient {id} NOT NULL,
  kind text NOT NULL,
  about {id} NOT NULL,
  channel text NOT NULL,
  order_id {id},
  place bigint,
  title text NOT NULL,
  body text NOT NULL,
  html text,
  read_at {time},
  created_at {time} NOT NULL,
  UNIQUE (recipient, kind, about, channel),
  UNIQUE (recipient, place)
);
CREATE INDEX messages_listed ON notifications.messages (recipient, channel, created_at, id);
CREATE INDEX messages_aged ON notifications.messages (created_at, id);
CREATE TABLE notifications.feeds (
  recipient {id} PRIMARY KEY,
  last bigint NOT NULL
);
CREATE TABLE notifications.mailbox (
  message_id {id} PRIMARY KEY,
  address text NOT NULL,
  created_at {time} NOT NULL
);
CREATE INDEX mailbox_listed ON notifications.mailbox (created_at, message_id);
