-- The stock that a product's last file named, by sku and warehouse: a number that a later file does not change is not put back.
ALTER TABLE catalog.products ADD COLUMN file_stock text;
