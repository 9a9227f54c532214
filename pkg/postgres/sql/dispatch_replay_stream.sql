-- The last log position, up to $2, at which a stream ($1) became due: that of its completion, or where growths count ($3) that
-- of its last growth; 0 for none (streams_name, events_position).
select coalesce(case when not $3::boolean then s.completed else (
         select max(w.reached)
           from (select e.position, row_number() over (order by e.position) as n, max(e.log_position) over (order by e.position) as reached
                   from kapivara.events e where e.stream_no = s.stream_no) w
          where w.position = w.n and w.reached <= $2::bigint) end, 0)
  from kapivara.streams s where s.name = $1
