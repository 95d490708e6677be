-- A kept answer is repeated with the headers it had (ETag, Location), not only with its body: packed as the response
-- headers of attempts are. Answers kept before this have none.
ALTER TABLE answers ADD COLUMN headers BLOB NOT NULL DEFAULT x'';
