-- lost: SELECT count(*) FROM webhook_versions WHERE legacy_id IS NOT NULL
DROP INDEX webhooks_by_legacy_id;
ALTER TABLE webhook_versions DROP COLUMN legacy_id;
ALTER TABLE webhooks DROP COLUMN legacy_id;
