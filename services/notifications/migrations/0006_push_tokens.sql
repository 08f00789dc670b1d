-- Where somebody's devices are reached; a device is one person's at a time, in the session in which it said so.
CREATE TABLE notifications.push_tokens (
  id {id} PRIMARY KEY,
  token text NOT NULL UNIQUE,
  platform text NOT NULL,
  user_id {id} NOT NULL,
  session_id {id} NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE INDEX push_tokens_user ON notifications.push_tokens (user_id, created_at, id);
CREATE INDEX push_tokens_session ON notifications.push_tokens (session_id);
