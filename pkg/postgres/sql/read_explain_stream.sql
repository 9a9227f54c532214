-- A stream as it stands, for its explanation (indexes streams_name, events_position). $1 name.
select s.stream_no, coalesce(s.completed, 0), h.version, h.contiguous, coalesce(s.finish, 0), s.canary, h.low, h.high, now(),
       exists (select from kapivara.dispatchers l where l.until > now()),
       k.types, k.positions
  from kapivara.streams s
 {head}
 cross join lateral (
    select array_agg(t.type order by t.position) as types, array_agg(t.position order by t.position) as positions
      from (select k.type, min(n.position) as position
              from (select e.kind_no, min(e.position) as position
                      from kapivara.events e where e.stream_no = s.stream_no group by e.kind_no) n
              join kapivara.kinds k on k.kind_no = n.kind_no
             group by k.type) t
 ) k
 where s.name = $1
