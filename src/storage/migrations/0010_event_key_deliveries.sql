-- How many deliveries the event of a key had, for who sends it again after the event went. None in rows from before.
ALTER TABLE event_keys ADD COLUMN deliveries INTEGER;
