CREATE TABLE catalog.categories (
  id {id} PRIMARY KEY,
  parent_id {id} REFERENCES catalog.categories (id),
  slug text NOT NULL UNIQUE,
  name text NOT NULL,
  place bigint NOT NULL,
  attributes {json} NOT NULL,
  version bigint NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE INDEX categories_parent ON catalog.categories (parent_id, place, id);
-- Each category with itself and all those above it, so that whatever lies below one is found without walking.
CREATE TABLE catalog.category_paths (
  ancestor_id {id} NOT NULL REFERENCES catalog.categories (id),
  category_id {id} NOT NULL REFERENCES catalog.categories (id),
  distance bigint NOT NULL,
  PRIMARY KEY (ancestor_id, category_id)
);
CREATE INDEX category_paths_up ON catalog.category_paths (category_id, distance);
-- What a product's category_ids say, to be found from the other side.
CREATE TABLE catalog.product_categories (
  category_id {id} NOT NULL REFERENCES catalog.categories (id),
  product_id {id} NOT NULL REFERENCES catalog.products (id),
  PRIMARY KEY (category_id, product_id)
);
CREATE INDEX product_categories_of ON catalog.product_categories (product_id);
