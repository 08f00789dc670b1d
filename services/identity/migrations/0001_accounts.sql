CREATE TABLE identity.users (
  id {id} PRIMARY KEY,
  email text NOT NULL UNIQUE,
  email_shown text NOT NULL,
  password_hash text,
  first_name text NOT NULL,
  last_name text NOT NULL,
  phone text,
  locale text NOT NULL,
  status text NOT NULL CHECK (status IN ('active', 'deactivated')),
  search text NOT NULL,
  address_count bigint NOT NULL CHECK (address_count >= 0),
  version bigint NOT NULL,
  signed_in_at {time},
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE INDEX users_created ON identity.users (created_at, id);
CREATE TABLE identity.user_roles (
  user_id {id} NOT NULL REFERENCES identity.users (id),
  role text NOT NULL,
  PRIMARY KEY (user_id, role)
);
CREATE TABLE identity.addresses (
  id {id} PRIMARY KEY,
  user_id {id} NOT NULL REFERENCES identity.users (id),
  label text,
  name text NOT NULL,
  phone text NOT NULL,
  line1 text NOT NULL,
  line2 text,
  city text NOT NULL,
  region text,
  postal_code text,
  country text NOT NULL,
  is_default {bool} NOT NULL,
  version bigint NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE INDEX addresses_user ON identity.addresses (user_id, created_at, id);
CREATE UNIQUE INDEX addresses_default ON identity.addresses (user_id) WHERE is_default;
CREATE TABLE identity.sessions (
  id {id} PRIMARY KEY,
  user_id {id} NOT NULL REFERENCES identity.users (id),
  device text,
  address text,
  created_at {time} NOT NULL,
  used_at {time} NOT NULL,
  expires_at {time} NOT NULL,
  expires_at_max {time} NOT NULL,
  ended_at {time},
  end_reason text
);
CREATE INDEX sessions_open ON identity.sessions (user_id, created_at, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_expiry ON identity.sessions (expires_at, id);
CREATE TABLE identity.refresh_tokens (
  hash {bytes} PRIMARY KEY,
  session_id {id} NOT NULL REFERENCES identity.sessions (id) ON DELETE CASCADE,
  issued_at {time} NOT NULL,
  used_at {time}
);
CREATE INDEX refresh_tokens_session ON identity.refresh_tokens (session_id);
CREATE INDEX refresh_tokens_used ON identity.refresh_tokens (used_at, hash);
CREATE TABLE identity.signing_keys (
  kid text PRIMARY KEY,
  state text NOT NULL CHECK (state IN ('next', 'current', 'retired')),
  public_key {bytes} NOT NULL,
  sealed_key {bytes} NOT NULL,
  created_at {time} NOT NULL,
  since {time} NOT NULL
);
CREATE UNIQUE INDEX signing_keys_live ON identity.signing_keys (state) WHERE state <> 'retired';
CREATE TABLE identity.attempts (
  key {bytes} PRIMARY KEY,
  started_at {time} NOT NULL,
  failures bigint NOT NULL
);
CREATE INDEX attempts_started ON identity.attempts (started_at, key);
