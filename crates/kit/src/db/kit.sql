CREATE TABLE own.events (
  position {serial},
  id {id} NOT NULL,
  stream {id} NOT NULL,
  version bigint NOT NULL,
  type text NOT NULL,
  schema_version bigint NOT NULL,
  data {json} NOT NULL,
  metadata {json} NOT NULL,
  occurred_at {time} NOT NULL
);
CREATE INDEX events_stream ON own.events (stream, version);
CREATE TABLE own.streams (
  stream {id} PRIMARY KEY,
  version bigint NOT NULL,
  snapshot {json},
  snapshot_version bigint,
  snapshot_schema bigint
);
CREATE TABLE own.readers (
  source text PRIMARY KEY,
  position bigint NOT NULL,
  paused text,
  updated_at {time} NOT NULL
);
CREATE TABLE own.inbox (
  event_id {id} PRIMARY KEY,
  source text NOT NULL,
  position bigint NOT NULL,
  stream {id} NOT NULL,
  sequence bigint NOT NULL,
  event {json} NOT NULL,
  due_at {time},
  attempts bigint NOT NULL,
  error text,
  state text NOT NULL,
  created_at {time} NOT NULL
);
CREATE INDEX inbox_stream ON own.inbox (source, stream, sequence);
CREATE INDEX inbox_due ON own.inbox (state, due_at);
CREATE TABLE own.sagas (
  id {id} PRIMARY KEY,
  type text NOT NULL,
  definition bigint NOT NULL,
  key text NOT NULL,
  subject {id} NOT NULL,
  status text NOT NULL,
  step bigint NOT NULL,
  direction text NOT NULL,
  data {json} NOT NULL,
  metadata {json} NOT NULL,
  wait_key text,
  due_at {time},
  attempts bigint NOT NULL,
  reason text,
  lease_owner {id},
  lease_until {time},
  epoch bigint NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL,
  UNIQUE (type, key)
);
CREATE INDEX sagas_due ON own.sagas (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX sagas_wait ON own.sagas (wait_key) WHERE wait_key IS NOT NULL;
CREATE INDEX sagas_subject ON own.sagas (subject);
CREATE TABLE own.saga_steps (
  saga_id {id} NOT NULL,
  step bigint NOT NULL,
  name text NOT NULL,
  direction text NOT NULL,
  status text NOT NULL,
  attempts bigint NOT NULL,
  result {json},
  error text,
  started_at {time},
  ended_at {time},
  PRIMARY KEY (saga_id, step, direction)
);
CREATE TABLE own.signals (
  key text NOT NULL,
  id text NOT NULL,
  payload {json} NOT NULL,
  received_at {time} NOT NULL,
  consumed_by {id},
  PRIMARY KEY (key, id)
);
CREATE TABLE own.idempotency (
  scope text NOT NULL,
  key text NOT NULL,
  request_hash {bytes} NOT NULL,
  reference {id},
  status bigint,
  headers {json},
  body {bytes},
  created_at {time} NOT NULL,
  PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_created ON own.idempotency (created_at);
CREATE TABLE own.jobs (
  id {id} PRIMARY KEY,
  kind text NOT NULL,
  key text NOT NULL,
  payload {json} NOT NULL,
  metadata {json} NOT NULL,
  state text NOT NULL,
  due_at {time} NOT NULL,
  attempts bigint NOT NULL,
  error text,
  lease_owner {id},
  lease_until {time},
  epoch bigint NOT NULL,
  created_at {time} NOT NULL,
  UNIQUE (kind, key)
);
CREATE INDEX jobs_due ON own.jobs (state, due_at);
CREATE TABLE own.replays (
  id {id} PRIMARY KEY,
  model text NOT NULL,
  status text NOT NULL,
  position bigint NOT NULL,
  target bigint NOT NULL,
  events bigint NOT NULL,
  error text,
  started_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE INDEX replays_model ON own.replays (model, status);
