CREATE TABLE cart.items (
  id {id} PRIMARY KEY,
  cart_id {id} NOT NULL,
  variant_id {id} NOT NULL,
  quantity bigint NOT NULL CHECK (quantity > 0),
  seen_price bigint NOT NULL,
  seen_currency text NOT NULL,
  added_at {time} NOT NULL,
  UNIQUE (cart_id, variant_id)
);
CREATE TABLE cart.checkouts (
  cart_id {id} NOT NULL,
  order_id {id} NOT NULL,
  created_at {time} NOT NULL,
  PRIMARY KEY (cart_id, order_id)
);
