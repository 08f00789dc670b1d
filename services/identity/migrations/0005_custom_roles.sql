-- Roles of the marketplace's own making. Tables apart from those of the built-in ones, whose names mean something in
-- tokens and in code.
CREATE TABLE identity.custom_roles (
  id {id} PRIMARY KEY,
  name text NOT NULL UNIQUE,
  description text NOT NULL,
  permissions {json} NOT NULL,
  version bigint NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL
);
CREATE TABLE identity.user_custom_roles (
  user_id {id} NOT NULL REFERENCES identity.users (id),
  role_id {id} NOT NULL REFERENCES identity.custom_roles (id),
  PRIMARY KEY (user_id, role_id)
);
CREATE INDEX user_custom_roles_role ON identity.user_custom_roles (role_id, user_id);
