CREATE TABLE witness.handled (
  place {serial},
  event_id {id} NOT NULL,
  stream {id} NOT NULL,
  sequence bigint NOT NULL
);
