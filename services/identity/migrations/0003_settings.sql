-- What somebody says of themselves beyond their profile; no row for who has said nothing.
CREATE TABLE identity.settings (
  user_id {id} NOT NULL REFERENCES identity.users (id),
  kind text NOT NULL CHECK (kind IN ('measurements', 'preferences')),
  data {json} NOT NULL,
  version bigint NOT NULL,
  updated_at {time} NOT NULL,
  PRIMARY KEY (user_id, kind)
);
