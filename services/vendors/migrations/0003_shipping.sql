ALTER TABLE vendors.stores ADD COLUMN shipping {json};
