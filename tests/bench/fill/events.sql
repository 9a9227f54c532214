-- $3 events, of complete streams of $4 each, after $1 streams and $2 events that are there, all with the data $5. Their ids
-- are UUIDs of version 7, one millisecond for 64 events. The trigger of the table moves the log's head.
insert into kapivara.events (log_position, stream_no, position, kind_no, flags, id, data)
select $2::bigint + e, $1::bigint + (e - 1) / $4::integer + 1, (e - 1) % $4 + 1, 1, case when e % $4 = 0 then 3 else 2 end,
       decode(lpad(to_hex(1700000000000 + ($2 + e) / 64), 12, '0') || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15), 'hex'),
       $5::bytea
  from generate_series(1, $3::bigint) e, md5(($2 + e)::text) hash
 order by e
