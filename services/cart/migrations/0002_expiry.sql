ALTER TABLE cart.items ADD COLUMN user_id {id};
ALTER TABLE cart.items ADD COLUMN expires_at {time};
CREATE INDEX items_expiry ON cart.items (expires_at);
