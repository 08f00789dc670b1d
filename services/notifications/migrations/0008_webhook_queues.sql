ALTER TABLE notifications.webhooks ADD COLUMN silences bigint NOT NULL DEFAULT 0;
ALTER TABLE notifications.webhooks ADD COLUMN rests_until {time};
CREATE INDEX webhook_deliveries_due ON notifications.webhook_deliveries (webhook_id, next_at, id) WHERE next_at IS NOT NULL;
