-- lost: SELECT 0
DROP INDEX answers_sealed;
