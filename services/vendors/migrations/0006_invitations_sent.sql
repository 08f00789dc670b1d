-- How often a store has asked somebody lately, so that nobody is asked again and again.
CREATE TABLE vendors.invitations_sent (
  store_id {id} NOT NULL,
  user_id {id} NOT NULL,
  first_at {time} NOT NULL,
  sent bigint NOT NULL,
  PRIMARY KEY (store_id, user_id)
);
CREATE INDEX invitations_sent_first ON vendors.invitations_sent (store_id, first_at);
