-- lost: SELECT 0
DROP VIEW webhook_health;
DROP VIEW webhook_metrics;
DROP VIEW delivery_log;
DROP TABLE id_digits;
