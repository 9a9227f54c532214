-- Creates the event type or replaces its fields; created stays. Its kind is there. Walks the unique index of kinds. The
-- caller holds the log's lock.
insert into kapivara.event_types (type, kind_no, schema, metadata, log_position)
select k.type, k.kind_no, $3, $4, $5 from kapivara.kinds k where k.type = $1 and k.publisher = $2
on conflict (type) do update
   set schema = excluded.schema, metadata = excluded.metadata, log_position = excluded.log_position
returning kind_no, created
