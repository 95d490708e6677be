-- lost: SELECT count(*) FROM broadcasts
DROP TABLE broadcasts;
