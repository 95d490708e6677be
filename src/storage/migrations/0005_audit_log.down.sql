-- lost: SELECT (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM audit_anchor WHERE id <> zeroblob(16))
DROP TABLE audit_log;
DROP TABLE audit_anchor;
