-- Registers a run of a dispatcher. $1 its name, $2 microseconds to live.
insert into kapivara.dispatchers (name, until) values ($1, clock_timestamp() + $2 * interval '1 microsecond')
returning dispatcher_no
