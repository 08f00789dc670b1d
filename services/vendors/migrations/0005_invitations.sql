-- Somebody works in a store once they have said so themselves; null until then.
ALTER TABLE vendors.staff ADD COLUMN accepted_at {time};
UPDATE vendors.staff SET accepted_at = added_at;
