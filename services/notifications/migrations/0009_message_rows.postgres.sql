-- Only messages within the application have a place.
ALTER TABLE notifications.messages DROP CONSTRAINT messages_recipient_place_key;
CREATE UNIQUE INDEX messages_place ON notifications.messages (recipient, place) WHERE place IS NOT NULL;
