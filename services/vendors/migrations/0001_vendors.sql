CREATE TABLE vendors.stores (
  id {id} PRIMARY KEY,
  slug text NOT NULL UNIQUE,
  name text NOT NULL,
  status text NOT NULL,
  owner_id {id},
  commission_basis_points bigint CHECK (commission_basis_points BETWEEN 0 AND 10000),
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE INDEX stores_owner ON vendors.stores (owner_id, created_at, id);
