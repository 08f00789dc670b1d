ALTER TABLE identity.users ADD COLUMN email_verified_at {time};
CREATE TABLE identity.links (
  id {id} PRIMARY KEY,
  purpose text NOT NULL CHECK (purpose IN ('reset_password', 'verify_email')),
  user_id {id} NOT NULL REFERENCES identity.users (id),
  token_hash {bytes} UNIQUE,
  created_at {time} NOT NULL,
  expires_at {time} NOT NULL,
  used_at {time}
);
CREATE INDEX links_user ON identity.links (user_id, purpose, id);
CREATE INDEX links_expiry ON identity.links (expires_at, id);
