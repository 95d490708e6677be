-- ---- statistics ----

-- What each commit counts as, in one row for each commit, written in its transaction; the bytes are those of
-- storage/rollup_codec.cc. Every few seconds the sums go into the tables below and the rows they cover are removed, but
-- for the newest: the next one follows its number. After a crash the rows that are left are added to the sums.
CREATE TABLE rollup_tail (
  seq INTEGER PRIMARY KEY,
  counted BLOB NOT NULL
);

-- Sums of a minute, an hour or a day (UTC) that begins at `start`; what they mean stands in domain/rollup.h. scope: 0 a
-- webhook, 1 a tenant, 2 the system, 3 a tenant's event type, 4 an event type of the system; owner is the id, all zeros
-- for the system. answered, response_ms and histogram are of response times. covered is the newest row of the tail that
-- is in the row. Minutes are kept for a day, hours for 30 days, days for a year.
CREATE TABLE rollups (
  resolution INTEGER NOT NULL,
  start INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  owner BLOB NOT NULL,
  event_type TEXT NOT NULL,
  accepted INTEGER NOT NULL,
  succeeded INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  failed_attempts INTEGER NOT NULL,
  answered INTEGER NOT NULL,
  response_ms INTEGER NOT NULL,
  histogram BLOB NOT NULL,
  covered INTEGER NOT NULL,
  PRIMARY KEY (resolution, start, scope, owner, event_type)
) WITHOUT ROWID;

-- What is going on with each webhook: runs that wait (open), all it ever counted, failures in a row (those excused
-- happened while most webhooks failed), and its last attempt. Times of things that never happened are 0.
CREATE TABLE webhook_stats (
  webhook BLOB PRIMARY KEY,
  tenant BLOB NOT NULL,
  open INTEGER NOT NULL DEFAULT 0,
  accepted INTEGER NOT NULL DEFAULT 0,
  succeeded INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  failed_attempts INTEGER NOT NULL DEFAULT 0,
  answered INTEGER NOT NULL DEFAULT 0,
  response_ms INTEGER NOT NULL DEFAULT 0,
  histogram BLOB NOT NULL DEFAULT x'',
  p95_response_ms INTEGER,
  failed_deliveries_in_a_row INTEGER NOT NULL DEFAULT 0,
  failed_deliveries_excused INTEGER NOT NULL DEFAULT 0,
  failed_deliveries_since INTEGER NOT NULL DEFAULT 0,
  failed_deliveries_last_at INTEGER NOT NULL DEFAULT 0,
  failed_deliveries_excused_ms INTEGER NOT NULL DEFAULT 0,
  failed_attempts_in_a_row INTEGER NOT NULL DEFAULT 0,
  failed_attempts_excused INTEGER NOT NULL DEFAULT 0,
  failed_attempts_since INTEGER NOT NULL DEFAULT 0,
  failed_attempts_last_at INTEGER NOT NULL DEFAULT 0,
  failed_attempts_excused_ms INTEGER NOT NULL DEFAULT 0,
  last_triggered_at INTEGER NOT NULL DEFAULT 0,
  last_success_at INTEGER NOT NULL DEFAULT 0,
  last_is_success INTEGER NOT NULL DEFAULT 0,
  last_response_status INTEGER NOT NULL DEFAULT 0,
  last_error TEXT NOT NULL DEFAULT '',
  covered INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- A database that already holds deliveries: what waits, and what came of the rest.
INSERT INTO webhook_stats (webhook, tenant, open, accepted, succeeded, failed, cancelled, skipped)
SELECT webhook, tenant, sum(open), sum(run = 1), sum(status = 2), sum(status = 3), sum(status = 4), sum(status = 5)
FROM (SELECT webhook, tenant, 1 AS open, run, -1 AS status FROM queue WHERE is_test = 0
      UNION ALL
      SELECT webhook, tenant, 0, run, status FROM deliveries WHERE is_test = 0)
GROUP BY webhook;
