-- lost: SELECT count(*) FROM answers WHERE length(headers) > 0
ALTER TABLE answers DROP COLUMN headers;
