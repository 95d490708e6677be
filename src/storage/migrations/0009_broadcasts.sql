-- Events for everybody. A row is written once and expanded step by step into one event for each tenant: reached is the
-- last tenant that was looked at, moved in the transaction that stores the events of a step. The publisher's event_id is
-- held in event_keys under a tenant of sixteen zero bytes.
CREATE TABLE broadcasts (
  id BLOB PRIMARY KEY,
  type TEXT NOT NULL,
  event_id TEXT NOT NULL,
  attempts_max INTEGER,
  created_at INTEGER NOT NULL,
  reached BLOB NOT NULL,
  tenants INTEGER NOT NULL,
  deliveries INTEGER NOT NULL,
  is_done INTEGER NOT NULL,
  metadata TEXT NOT NULL,
  data BLOB NOT NULL
) WITHOUT ROWID;
-- What start-up goes on with.
CREATE INDEX broadcasts_open ON broadcasts (id) WHERE is_done = 0;
