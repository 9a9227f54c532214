-- Removes an event type; its kind stays, since events name it. The caller holds the log's lock.
delete from kapivara.event_types where type = $1
