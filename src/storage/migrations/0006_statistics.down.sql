-- lost: SELECT (SELECT count(*) FROM rollups) + (SELECT count(*) FROM rollup_tail) + (SELECT count(*) FROM webhook_stats WHERE covered > 0)
DROP TABLE rollup_tail;
DROP TABLE rollups;
DROP TABLE webhook_stats;
