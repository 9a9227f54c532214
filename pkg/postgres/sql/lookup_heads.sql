-- The heads of streams by name: the stored row, a lower bound, the positions above it and, where $2 is set, each event type
-- with the lowest position at which it is stored. Walks streams_name and events_position; takes no lock. One statement, so
-- row and positions are of one moment.
select s.name, s.stream_no, s.contiguous, coalesce(s.finish, 0), coalesce(s.completed, 0), s.canary,
       array(select e.position from kapivara.events e
              where e.stream_no = s.stream_no and e.position > s.contiguous order by e.position),
       t.types, t.firsts
  from unnest($1::text[]) as n (name)
  join kapivara.streams s on s.name = n.name
 cross join lateral (
    select array_agg(k.type) as types, array_agg(k.first) as firsts
      from (select k.type, min(e.position) as first
              from kapivara.events e join kapivara.kinds k using (kind_no)
             where $2 and e.stream_no = s.stream_no
             group by k.type) k
 ) t
