-- Creates the publisher or replaces its fields; created stays. The caller holds the log's lock.
insert into kapivara.publishers (name, description, streams, log_position) values ($1, $2, $3, $4)
on conflict (name) do update
   set description = excluded.description, streams = excluded.streams, log_position = excluded.log_position
returning created
