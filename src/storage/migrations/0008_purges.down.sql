-- lost: SELECT count(*) FROM purges
ALTER TABLE index_watermark DROP COLUMN newest;
DROP INDEX api_keys_by_tenant;
DROP TABLE purges;
