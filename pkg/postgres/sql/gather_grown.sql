-- The first growth of streams ($1) in a part of the log (after $2, up to $3) by which they fit: by the event at the first
-- position that was not contiguous before, or by the one that let the contiguous part reach the first event of one of the
-- kinds ($4, null where any will do). With it how far the stream has grown by now, since it stands for all growths after it.
-- Walks events_position.
select s.stream_no, greatest(f.log_position, t.last), {contiguous}
  from unnest($1::bigint[]) as n (stream_no)
  join kapivara.streams s on s.stream_no = n.stream_no
 cross join lateral (
    select w.log_position, w.position = w.n as follows
      from (select e.position, e.log_position, row_number() over (order by e.position) as n
              from kapivara.events e where e.stream_no = s.stream_no) w
     where w.position <> w.n or w.log_position > $2
     order by w.position limit 1
 ) f
 cross join lateral (
    select count(*) as events, max(e.position) as position, max(e.log_position) as last
      from kapivara.events e
     where e.stream_no = s.stream_no and e.position <= (
           select k.position from kapivara.events k
            where k.stream_no = s.stream_no and ($4::integer[] is null or k.kind_no = any($4))
            order by k.position limit 1)
 ) t
 where f.follows and f.log_position <= $3 and t.events = t.position and t.last <= $3
