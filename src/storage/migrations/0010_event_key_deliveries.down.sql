-- lost: SELECT count(*) FROM event_keys WHERE deliveries > 0 AND event NOT IN (SELECT id FROM events)
ALTER TABLE event_keys DROP COLUMN deliveries;
