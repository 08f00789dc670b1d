-- Files of products that stores send: what is still to be brought in, and what could not be.
CREATE TABLE catalog.uploads (
  id {id} PRIMARY KEY,
  vendor_id {id} NOT NULL,
  vendor_name text NOT NULL,
  format text NOT NULL,
  dry_run {bool} NOT NULL,
  status text NOT NULL,
  total bigint NOT NULL,
  done bigint NOT NULL,
  created bigint NOT NULL,
  updated bigint NOT NULL,
  unchanged bigint NOT NULL,
  failed bigint NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE INDEX uploads_aged ON catalog.uploads (created_at, id);
CREATE TABLE catalog.upload_products (
  upload_id {id} NOT NULL REFERENCES catalog.uploads (id),
  number bigint NOT NULL,
  line bigint NOT NULL,
  variant_lines {json} NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (upload_id, number)
);
CREATE TABLE catalog.upload_errors (
  id {id} PRIMARY KEY,
  upload_id {id} NOT NULL REFERENCES catalog.uploads (id),
  line bigint NOT NULL,
  place text NOT NULL,
  reason text NOT NULL
);
CREATE INDEX upload_errors_listed ON catalog.upload_errors (upload_id, line, id);
