CREATE TABLE notifications.bulk_jobs (
  id {id} PRIMARY KEY,
  audience text NOT NULL,
  role text,
  kind text NOT NULL,
  channels text NOT NULL,
  variables {json} NOT NULL,
  status text NOT NULL,
  total bigint,
  done bigint NOT NULL,
  last_user {id},
  queued bigint NOT NULL,
  skipped bigint NOT NULL,
  failed bigint NOT NULL,
  started_by {id} NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE INDEX bulk_jobs_aged ON notifications.bulk_jobs (created_at, id);
CREATE TABLE notifications.bulk_recipients (
  job_id {id} NOT NULL,
  number bigint NOT NULL,
  user_id {id} NOT NULL,
  variables {json} NOT NULL,
  PRIMARY KEY (job_id, number)
);
CREATE TABLE notifications.bulk_failures (
  id {id} PRIMARY KEY,
  job_id {id} NOT NULL,
  number bigint NOT NULL,
  user_id {id} NOT NULL,
  code text NOT NULL,
  detail text NOT NULL,
  created_at {time} NOT NULL,
  UNIQUE (job_id, number)
);
CREATE INDEX bulk_failures_listed ON notifications.bulk_failures (job_id, created_at, id);
