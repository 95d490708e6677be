-- Ids are the 16 bytes of a UUIDv7. Times are milliseconds since 1970. Enums are the numbers that
-- src/storage/sqlite/columns.h pins. Tables without a rowid are clustered by their primary key: ids grow with time, so
-- an insert goes to the right edge of its tree. Nothing on the hot path has an index in random order.

-- ---- configuration: small, read whole at start, one row changed at a time ----

-- Whose data it is. external_id is the caller's own name for the tenant; NULL if it has none.
CREATE TABLE tenants (
  id BLOB PRIMARY KEY,
  external_id TEXT UNIQUE,
  name TEXT NOT NULL,
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Each tenant's data key, wrapped by the master key, which is not stored here.
CREATE TABLE tenant_keys (
  tenant BLOB NOT NULL,
  key_id INTEGER NOT NULL,
  wrapped BLOB NOT NULL,
  PRIMARY KEY (tenant, key_id)
) WITHOUT ROWID;

-- Keys of the API, known only by their SHA-256. tenant is NULL for an admin key.
CREATE TABLE api_keys (
  id BLOB PRIMARY KEY,
  tenant BLOB,
  role INTEGER NOT NULL,
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) WITHOUT ROWID;

-- The catalogue of event types.
CREATE TABLE event_types (
  name TEXT PRIMARY KEY,
  description TEXT NOT NULL,
  category TEXT NOT NULL,
  sample TEXT NOT NULL,
  schema TEXT NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Each webhook as it is now; deleted ones stay with is_deleted = 1. settings is the JSON of
-- domain/webhook_codec.h; sealed_headers the encrypted values of custom headers. Rows of queue that were planned with a
-- version below settled_below are over already and wait to be moved into deliveries.
CREATE TABLE webhooks (
  id BLOB PRIMARY KEY,
  tenant BLOB NOT NULL,
  version INTEGER NOT NULL,
  status INTEGER NOT NULL,
  disabled_reason TEXT NOT NULL,
  settled_below INTEGER NOT NULL,
  is_deleted INTEGER NOT NULL,
  settings TEXT NOT NULL,
  sealed_headers BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX webhooks_by_tenant ON webhooks (tenant);

-- The same at every version it ever had: runs pin a version, and answers rebuild what an attempt sent from it.
CREATE TABLE webhook_versions (
  id BLOB NOT NULL,
  tenant BLOB NOT NULL,
  version INTEGER NOT NULL,
  status INTEGER NOT NULL,
  disabled_reason TEXT NOT NULL,
  settled_below INTEGER NOT NULL,
  is_deleted INTEGER NOT NULL,
  settings TEXT NOT NULL,
  sealed_headers BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (id, version)
) WITHOUT ROWID;

-- The signing secrets of a webhook at one version, encrypted, in the order of the webhook's list. Those of the current
-- version are the ones in force.
CREATE TABLE webhook_secrets (
  webhook BLOB NOT NULL,
  version INTEGER NOT NULL,
  position INTEGER NOT NULL,
  number INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  PRIMARY KEY (webhook, version, position)
) WITHOUT ROWID;

-- Single values by name, such as the check value of the master key.
CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;

-- ---- events and their deliveries: the hot path ----

-- One row for each accepted event; data is the publisher's bytes as they came. deliveries counts the rows of queue and
-- deliveries whose ids follow this id directly. Never updated.
CREATE TABLE events (
  id BLOB PRIMARY KEY,
  tenant BLOB NOT NULL,
  type TEXT NOT NULL,
  event_id TEXT NOT NULL,
  deliveries INTEGER NOT NULL,
  is_test INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  metadata TEXT NOT NULL,
  data BLOB NOT NULL
) WITHOUT ROWID;

-- The caller's own event ids of the last seven days: at most one row for each tenant and event_id. A rowid table, so that
-- its order is the order of arrival and old rows are dropped from the front without another index.
CREATE TABLE event_keys (
  tenant BLOB NOT NULL,
  event_id TEXT NOT NULL,
  event BLOB NOT NULL,
  fingerprint BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (tenant, event_id)
);

-- One row for each run that is not final: rows enter when an event is accepted and leave with the last attempt, so the
-- table stays small. The state of a delivery is its row here if there is one, else its highest run in deliveries.
CREATE TABLE queue (
  delivery BLOB PRIMARY KEY,
  run INTEGER NOT NULL,
  webhook BLOB NOT NULL,
  tenant BLOB NOT NULL,
  event BLOB NOT NULL,
  event_type TEXT NOT NULL,
  attempts_made INTEGER NOT NULL,
  attempts_max INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  webhook_version INTEGER NOT NULL,
  envelope INTEGER NOT NULL,
  trigger INTEGER NOT NULL,
  is_test INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
-- How a webhook's lane refills itself: its runs by due time.
CREATE INDEX queue_due ON queue (webhook, next_attempt_at, delivery);

-- One row for each finished run, written when it becomes final and never updated. completed_at of a successful run is
-- when it was delivered.
CREATE TABLE deliveries (
  delivery BLOB NOT NULL,
  run INTEGER NOT NULL,
  webhook BLOB NOT NULL,
  tenant BLOB NOT NULL,
  event BLOB NOT NULL,
  event_type TEXT NOT NULL,
  attempts_made INTEGER NOT NULL,
  attempts_max INTEGER NOT NULL,
  webhook_version INTEGER NOT NULL,
  envelope INTEGER NOT NULL,
  trigger INTEGER NOT NULL,
  is_test INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  status INTEGER NOT NULL,
  error_kind INTEGER NOT NULL,
  error TEXT NOT NULL,
  completed_at INTEGER NOT NULL,
  PRIMARY KEY (delivery, run)
) WITHOUT ROWID;

-- One row for each HTTP request made. What was sent is not stored: it follows from event, webhook version and
-- signed_at. Webhook and tenant are the delivery's. headers are pairs of length-prefixed name and value.
CREATE TABLE attempts (
  delivery BLOB NOT NULL,
  run INTEGER NOT NULL,
  number INTEGER NOT NULL,
  id BLOB NOT NULL,
  webhook_version INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  signed_at INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  error TEXT NOT NULL,
  transport_error INTEGER NOT NULL,
  transport_error_text TEXT NOT NULL,
  status INTEGER NOT NULL,
  headers BLOB NOT NULL,
  body BLOB NOT NULL,
  is_truncated INTEGER NOT NULL,
  dns_ms INTEGER,
  connect_ms INTEGER,
  tls_ms INTEGER,
  first_byte_ms INTEGER,
  total_ms INTEGER NOT NULL,
  peer TEXT NOT NULL,
  tls TEXT NOT NULL,
  PRIMARY KEY (delivery, run, number)
) WITHOUT ROWID;

-- Answers kept for an Idempotency-Key, for a day. A rowid table for the same reason as event_keys.
CREATE TABLE answers (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  status INTEGER NOT NULL,
  body BLOB NOT NULL,
  is_sealed INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (scope, key)
);

-- ---- lazy indexes: filled in sorted chunks, complete up to a watermark ----

-- As indexes of the tables above these three would cost more than everything else, since each batch would touch a page
-- for every webhook in it. They are filled later instead, and lists merge them with what the tables hold above the
-- watermark.
CREATE TABLE webhook_deliveries (
  webhook BLOB NOT NULL,
  delivery BLOB NOT NULL,
  PRIMARY KEY (webhook, delivery)
) WITHOUT ROWID;
CREATE TABLE tenant_deliveries (
  tenant BLOB NOT NULL,
  delivery BLOB NOT NULL,
  PRIMARY KEY (tenant, delivery)
) WITHOUT ROWID;
CREATE TABLE tenant_events (
  tenant BLOB NOT NULL,
  event BLOB NOT NULL,
  PRIMARY KEY (tenant, event)
) WITHOUT ROWID;

-- One row. Every stored id up to the watermark is in its index; while a chunk is on its way, some above it are too.
CREATE TABLE index_watermark (
  watermark BLOB NOT NULL
);
INSERT INTO index_watermark VALUES (zeroblob(16));
