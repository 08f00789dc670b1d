CREATE INDEX checkouts_aged ON cart.checkouts (created_at);
