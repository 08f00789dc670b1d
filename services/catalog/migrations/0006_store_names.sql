-- What stores are called now, where that is not what they were called when a product came into being.
CREATE TABLE catalog.store_names (
  vendor_id {id} PRIMARY KEY,
  name text NOT NULL
);
