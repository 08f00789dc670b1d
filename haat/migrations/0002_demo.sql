-- While the demo is loaded: the orders of its past, and the part of a day that comes next.
CREATE TABLE console.demo_orders (
  key text PRIMARY KEY,
  body {json} NOT NULL
);
CREATE TABLE console.demo_progress (
  day bigint NOT NULL,
  slot bigint NOT NULL,
  PRIMARY KEY (day, slot)
);
