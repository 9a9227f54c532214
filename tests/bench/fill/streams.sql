-- $2 complete streams of $4 events each, after $1 streams and $3 events that are there; their names begin with $5.
insert into kapivara.streams (stream_no, completed, version, contiguous, finish, canary, name)
select $1::bigint + n, $3::bigint + n * $4::integer, $4, $4, $4, false, $5::text || $1::bigint + n
  from generate_series(1, $2::bigint) n
