-- Registers event types ($1) of the publisher ($2) with the defaults. Their kinds are there; none of them is registered.
-- Walks the unique index of kinds. The caller holds the log's lock.
insert into kapivara.event_types (type, kind_no, log_position)
select k.type, k.kind_no, $3 from kapivara.kinds k where k.type = any($1::text[]) and k.publisher = $2
