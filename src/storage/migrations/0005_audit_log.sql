-- Who did what: one row for each change of configuration and each action that concerns security, written in the
-- transaction of the change. Append-only: the triggers below refuse everything else. hash is SHA-256(hash of the row
-- before, canonical bytes of this row), see src/storage/audit_chain.h. tenant is NULL for what concerns the whole system;
-- before_json and after_json hold the members that changed and are empty if there is none.
CREATE TABLE audit_log (
  id BLOB PRIMARY KEY,
  tenant BLOB,
  at INTEGER NOT NULL,
  actor_kind INTEGER NOT NULL,
  actor_id TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  action TEXT NOT NULL,
  object_type TEXT NOT NULL,
  object_id TEXT NOT NULL,
  before_json TEXT NOT NULL,
  after_json TEXT NOT NULL,
  ip TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  request_id TEXT NOT NULL,
  metadata TEXT NOT NULL,
  hash BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX audit_log_by_tenant ON audit_log (tenant, id);
CREATE INDEX audit_log_by_object ON audit_log (object_id, id);

-- One row: the last entry that retention has removed, where the chain of the rest begins.
CREATE TABLE audit_anchor (
  id BLOB NOT NULL,
  hash BLOB NOT NULL
);
INSERT INTO audit_anchor VALUES (zeroblob(16), zeroblob(32));

CREATE TRIGGER audit_log_appends BEFORE INSERT ON audit_log
WHEN NEW.id <= (SELECT id FROM audit_anchor) OR NEW.id <= (SELECT max(id) FROM audit_log)
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only: new rows go behind the last one');
END;

CREATE TRIGGER audit_log_never_changes BEFORE UPDATE ON audit_log
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only: rows are never changed');
END;

CREATE TRIGGER audit_log_keeps_rows BEFORE DELETE ON audit_log
WHEN OLD.id > (SELECT id FROM audit_anchor)
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only: only rows up to the anchor may go');
END;

CREATE TRIGGER audit_anchor_moves_on BEFORE UPDATE ON audit_anchor
WHEN NEW.id < OLD.id
BEGIN
  SELECT RAISE(ABORT, 'the anchor of the audit log only moves on');
END;

CREATE TRIGGER audit_anchor_stays BEFORE DELETE ON audit_anchor
BEGIN
  SELECT RAISE(ABORT, 'the anchor of the audit log stays');
END;

CREATE TRIGGER audit_anchor_is_one BEFORE INSERT ON audit_anchor
BEGIN
  SELECT RAISE(ABORT, 'the audit log has one anchor');
END;
