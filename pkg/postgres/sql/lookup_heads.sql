-- The heads of streams by name: the stored row, a lower bound, and the positions above it. Walks streams_name and
-- events_position; takes no lock. One statement, so row and positions are of one moment.
select s.name, s.stream_no, s.contiguous, coalesce(s.finish, 0), coalesce(s.completed, 0), s.canary,
       array(select e.position from kapivara.events e
              where e.stream_no = s.stream_no and e.position > s.contiguous order by e.position),
       case when $2 then array(select distinct k.type from kapivara.events e join kapivara.kinds k using (kind_no)
                                where e.stream_no = s.stream_no) end
  from unnest($1::text[]) as n (name)
  join kapivara.streams s on s.name = n.name
