-- The id of a webhook in the system it was moved from; NULL if it has none. It stands in its settings too; the column is
-- there to be unique among a tenant's webhooks that are not deleted. (An index on json_extract() would need trusted
-- schemas, which connections here do not allow.)
ALTER TABLE webhooks ADD COLUMN legacy_id TEXT;
ALTER TABLE webhook_versions ADD COLUMN legacy_id TEXT;
CREATE UNIQUE INDEX webhooks_by_legacy_id ON webhooks (tenant, legacy_id) WHERE is_deleted = 0;
