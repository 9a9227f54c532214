-- A stream as it stands, for its explanation (index streams_name). $1 name.
select s.stream_no, coalesce(s.completed, 0), h.version, h.contiguous, coalesce(s.finish, 0), s.canary, h.low, h.high, now(),
       exists (select from kapivara.dispatcher_lease l where l.until > now()),
       (select array_agg(distinct k.type) from kapivara.kinds k
         where k.kind_no in (select e.kind_no from kapivara.events e where e.stream_no = s.stream_no))
  from kapivara.streams s
 {head}
 where s.name = $1
