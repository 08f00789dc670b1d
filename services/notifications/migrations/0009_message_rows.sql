-- Messages are long, and only those within the application have a place.
CREATE TABLE notifications.messages_before AS
  SELECT id, recipient, kind, about, channel, order_id, place, title, body, html, read_at, created_at FROM notifications.messages;
DROP TABLE notifications.messages;
CREATE TABLE notifications.messages (
  id {id} PRIMARY KEY,
  recipient {id} NOT NULL,
  kind text NOT NULL,
  about {id} NOT NULL,
  channel text NOT NULL,
  order_id {id},
  place bigint,
  title text NOT NULL,
  body {text} NOT NULL,
  html {text},
  read_at {time},
  created_at {time} NOT NULL,
  UNIQUE (recipient, kind, about, channel)
);
INSERT INTO notifications.messages (id, recipient, kind, about, channel, order_id, place, title, body, html, read_at, created_at)
  SELECT id, recipient, kind, about, channel, order_id, place, title, body, html, read_at, created_at FROM notifications.messages_before;
DROP TABLE notifications.messages_before;
CREATE UNIQUE INDEX messages_place ON notifications.messages (recipient, place) WHERE place IS NOT NULL;
CREATE INDEX messages_listed ON notifications.messages (recipient, channel, created_at, id);
CREATE INDEX messages_aged ON notifications.messages (created_at, id);
