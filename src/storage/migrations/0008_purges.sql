-- What is being taken away for good: all of a deleted tenant (webhook is sixteen zero bytes), or the history of one
-- webhook. A row is written with the delete and goes with the last row that it stands for. horizon is the newest id that
-- was stored when the work began: once the lazy indexes have passed it they name everything that is left.
CREATE TABLE purges (
  tenant BLOB NOT NULL,
  webhook BLOB NOT NULL,
  horizon BLOB,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, webhook)
) WITHOUT ROWID;

-- So that the keys of one tenant are found without looking at everybody's.
CREATE INDEX api_keys_by_tenant ON api_keys (tenant);

-- The newest id that a purge may have taken away: ids only grow, whatever is deleted.
ALTER TABLE index_watermark ADD COLUMN newest BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
