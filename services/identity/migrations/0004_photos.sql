-- A person's picture, as it was sent; no row for who has none.
CREATE TABLE identity.photos (
  user_id {id} PRIMARY KEY REFERENCES identity.users (id),
  media_type text NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg', 'image/webp')),
  width bigint NOT NULL,
  height bigint NOT NULL,
  hash {bytes} NOT NULL,
  content {bytes} NOT NULL,
  updated_at {time} NOT NULL
);
