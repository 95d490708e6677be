-- ---- views: for people who look with sqlite3 (docs/sql.md); the program reads none of them ----
-- Ids are the text of the API, times ISO 8601 in UTC, states and kinds words. An id's text costs some microseconds and a
-- view has no index of its own: made to look around, not for a request.

-- How an id becomes text: each of the 26 base32 digits is five bits, which lie in two neighbouring hexadecimal digits of
-- '0' || hex(id) from `nibble` on, `shift` bits above their end.
CREATE TABLE id_digits (
  position INTEGER PRIMARY KEY,
  nibble INTEGER NOT NULL,
  shift INTEGER NOT NULL
);
INSERT INTO id_digits VALUES
  (0, 1, 1), (1, 2, 0), (2, 4, 3), (3, 5, 2), (4, 6, 1), (5, 7, 0),
  (6, 9, 3), (7, 10, 2), (8, 11, 1), (9, 12, 0), (10, 14, 3), (11, 15, 2),
  (12, 16, 1), (13, 17, 0), (14, 19, 3), (15, 20, 2), (16, 21, 1), (17, 22, 0),
  (18, 24, 3), (19, 25, 2), (20, 26, 1), (21, 27, 0), (22, 29, 3), (23, 30, 2),
  (24, 31, 1), (25, 32, 0);

-- Every delivery once, as it is now: open ones, finished ones with their newest run. Those of tests have is_test = 1.
-- attempt_number is how many attempts were made; response_* are those of the last one.
CREATE VIEW delivery_log AS
SELECT
  'dlv_' || (SELECT group_concat(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((((instr('123456789ABCDEF', substr('0' || hex(d.delivery), nibble, 1)) << 4)
      | instr('123456789ABCDEF', substr('0' || hex(d.delivery), nibble + 1, 1))) >> shift) & 31), 1), '')
    FROM (SELECT nibble, shift FROM id_digits ORDER BY position)) AS id,
  'wh_' || (SELECT group_concat(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((((instr('123456789ABCDEF', substr('0' || hex(d.webhook), nibble, 1)) << 4)
      | instr('123456789ABCDEF', substr('0' || hex(d.webhook), nibble + 1, 1))) >> shift) & 31), 1), '')
    FROM (SELECT nibble, shift FROM id_digits ORDER BY position)) AS webhook_id,
  'tnt_' || (SELECT group_concat(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((((instr('123456789ABCDEF', substr('0' || hex(d.tenant), nibble, 1)) << 4)
      | instr('123456789ABCDEF', substr('0' || hex(d.tenant), nibble + 1, 1))) >> shift) & 31), 1), '')
    FROM (SELECT nibble, shift FROM id_digits ORDER BY position)) AS tenant_id,
  'evt_' || (SELECT group_concat(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((((instr('123456789ABCDEF', substr('0' || hex(d.event), nibble, 1)) << 4)
      | instr('123456789ABCDEF', substr('0' || hex(d.event), nibble + 1, 1))) >> shift) & 31), 1), '')
    FROM (SELECT nibble, shift FROM id_digits ORDER BY position)) AS event_id,
  d.event_type AS event,
  CAST((SELECT data FROM events WHERE events.id = d.event) AS TEXT) AS payload,
  CASE d.status WHEN 0 THEN 'pending' WHEN 1 THEN 'retrying' WHEN 2 THEN 'success' WHEN 3 THEN 'failed'
    WHEN 4 THEN 'cancelled' ELSE 'skipped' END AS status,
  d.run AS run,
  d.attempts_made AS attempt_number,
  d.attempts_max AS max_attempts,
  (SELECT nullif(a.status, 0) FROM attempts a WHERE a.delivery = d.delivery AND a.run = d.run
   ORDER BY a.number DESC LIMIT 1) AS response_status,
  (SELECT CAST(a.body AS TEXT) FROM attempts a WHERE a.delivery = d.delivery AND a.run = d.run AND a.status <> 0
   ORDER BY a.number DESC LIMIT 1) AS response_body,
  (SELECT a.total_ms FROM attempts a WHERE a.delivery = d.delivery AND a.run = d.run
   ORDER BY a.number DESC LIMIT 1) AS response_time_ms,
  nullif(coalesce(nullif(d.error, ''), (SELECT a.error FROM attempts a WHERE a.delivery = d.delivery AND a.run = d.run
   ORDER BY a.number DESC LIMIT 1)), '') AS last_error,
  d.is_test AS is_test,
  strftime('%Y-%m-%dT%H:%M:%fZ', d.created_at / 1000.0, 'unixepoch') AS created_at,
  CASE d.status WHEN 2 THEN strftime('%Y-%m-%dT%H:%M:%fZ', d.completed_at / 1000.0, 'unixepoch') END AS delivered_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', d.completed_at / 1000.0, 'unixepoch') AS completed_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', d.next_attempt_at / 1000.0, 'unixepoch') AS next_retry_at
FROM (
  -- A row of queue whose webhook was disabled or deleted since is over, though nobody has moved it yet.
  SELECT q.delivery, q.run, q.webhook, q.tenant, q.event, q.event_type, q.attempts_made, q.attempts_max, q.is_test,
    q.created_at,
    CASE WHEN q.webhook_version < coalesce(w.settled_below, 0) THEN 3 + w.is_deleted ELSE q.attempts_made > 0 END
      AS status,
    '' AS error,
    CASE WHEN q.webhook_version < coalesce(w.settled_below, 0) THEN w.updated_at END AS completed_at,
    CASE WHEN q.webhook_version >= coalesce(w.settled_below, 0) THEN q.next_attempt_at END AS next_attempt_at
  FROM queue q LEFT JOIN webhooks w ON w.id = q.webhook
  UNION ALL
  SELECT f.delivery, f.run, f.webhook, f.tenant, f.event, f.event_type, f.attempts_made, f.attempts_max, f.is_test,
    f.created_at, f.status, f.error, f.completed_at, NULL
  FROM deliveries f
  WHERE NOT EXISTS (SELECT 1 FROM deliveries later WHERE later.delivery = f.delivery AND later.run > f.run)
    AND NOT EXISTS (SELECT 1 FROM queue open WHERE open.delivery = f.delivery)
) d;

-- Each webhook that is not deleted, with all it ever counted; a few seconds behind. success_rate is from 0 to 1, of
-- what ended in success or failure.
CREATE VIEW webhook_metrics AS
SELECT
  'wh_' || (SELECT group_concat(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((((instr('123456789ABCDEF', substr('0' || hex(w.id), nibble, 1)) << 4)
      | instr('123456789ABCDEF', substr('0' || hex(w.id), nibble + 1, 1))) >> shift) & 31), 1), '')
    FROM (SELECT nibble, shift FROM id_digits ORDER BY position)) AS webhook_id,
  'tnt_' || (SELECT group_concat(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((((instr('123456789ABCDEF', substr('0' || hex(w.tenant), nibble, 1)) << 4)
      | instr('123456789ABCDEF', substr('0' || hex(w.tenant), nibble + 1, 1))) >> shift) & 31), 1), '')
    FROM (SELECT nibble, shift FROM id_digits ORDER BY position)) AS tenant_id,
  json_extract(w.settings, '$.url') AS url,
  CASE w.status WHEN 0 THEN 'active' WHEN 1 THEN 'paused' ELSE 'disabled' END AS status,
  nullif(w.disabled_reason, '') AS disabled_reason,
  coalesce(s.open, 0) AS pending,
  coalesce(s.accepted, 0) AS total_deliveries,
  coalesce(s.succeeded, 0) AS successful_deliveries,
  coalesce(s.failed, 0) AS failed_deliveries,
  s.succeeded * 1.0 / nullif(s.succeeded + s.failed, 0) AS success_rate,
  coalesce(s.attempts, 0) AS attempts,
  s.response_ms / nullif(s.answered, 0) AS average_response_time_ms,
  s.p95_response_ms AS p95_response_time_ms,
  strftime('%Y-%m-%dT%H:%M:%fZ', nullif(s.last_triggered_at, 0) / 1000.0, 'unixepoch') AS last_triggered_at,
  CASE WHEN s.last_triggered_at > 0 THEN CASE s.last_is_success WHEN 1 THEN 'success' ELSE 'failed' END END
    AS last_status,
  nullif(s.last_response_status, 0) AS last_response_status,
  nullif(s.last_error, '') AS last_error,
  coalesce(s.failed_deliveries_in_a_row, 0) AS consecutive_failed_deliveries,
  coalesce(s.failed_attempts_in_a_row, 0) AS consecutive_failed_attempts
FROM webhooks w LEFT JOIN webhook_stats s ON s.webhook = w.id
WHERE w.is_deleted = 0;

-- One row: how all of it is doing; a few seconds behind. *_last_hour are sums of the newest two hours that began, so of
-- one to two hours. status is judged by them: failing if more than half of what ended failed, degraded if more than a
-- tenth did or a webhook was disabled because it failed.
CREATE VIEW webhook_health AS
SELECT
  CASE WHEN 2 * failed_last_hour > succeeded_last_hour + failed_last_hour THEN 'failing'
    WHEN 10 * failed_last_hour > succeeded_last_hour + failed_last_hour OR disabled_by_failures > 0 THEN 'degraded'
    ELSE 'healthy' END AS status,
  *
FROM (
  SELECT w.webhooks, w.active, w.paused, w.disabled, w.disabled_by_failures,
    (SELECT count(*) FROM webhook_stats WHERE failed_attempts_in_a_row > 0) AS failing_now,
    (SELECT coalesce(sum(open), 0) FROM webhook_stats) AS pending,
    coalesce(r.succeeded, 0) AS succeeded_last_hour,
    coalesce(r.failed, 0) AS failed_last_hour,
    r.succeeded * 1.0 / nullif(r.succeeded + r.failed, 0) AS success_rate_last_hour,
    r.response_ms / nullif(r.answered, 0) AS average_response_time_ms_last_hour,
    (SELECT CAST(value AS TEXT) FROM settings WHERE key = 'last_cleanup') AS last_cleanup
  FROM
    (SELECT count(*) AS webhooks, coalesce(sum(status = 0), 0) AS active, coalesce(sum(status = 1), 0) AS paused,
       coalesce(sum(status = 2), 0) AS disabled,
       coalesce(sum(status = 2 AND disabled_reason = 'failures'), 0) AS disabled_by_failures
     FROM webhooks WHERE is_deleted = 0) w,
    (SELECT sum(succeeded) AS succeeded, sum(failed) AS failed, sum(response_ms) AS response_ms,
       sum(answered) AS answered
     FROM rollups WHERE resolution = 1 AND scope = 2
       AND start >= (CAST(strftime('%s', 'now') AS INTEGER) / 3600 - 1) * 3600000) r
);
