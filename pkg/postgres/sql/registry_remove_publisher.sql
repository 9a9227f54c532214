-- Removes a publisher that owns no event types. The caller holds the log's lock.
delete from kapivara.publishers where name = $1
