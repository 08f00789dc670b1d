CREATE TABLE console.loaded (
  name text PRIMARY KEY,
  loaded_at {time} NOT NULL
);
