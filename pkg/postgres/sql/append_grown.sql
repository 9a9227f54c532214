-- The rows of streams follow their heads. Walks streams_pkey; a row that is not completed by it stays a HOT update.
update kapivara.streams s
   set completed = nullif(g.completed, 0), version = g.version, contiguous = g.contiguous, finish = nullif(g.finish, 0)
  from unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[], $5::int[])
    as g (stream_no, completed, version, contiguous, finish)
 where s.stream_no = g.stream_no
