-- How far the contiguous part of a stream s reaches, of which the row of kapivara.streams is a lower bound: up to the first
-- hole above s.contiguous, or to the highest position. Walks events_position up to that hole.
coalesce((select w.before
            from (select e.position, lag(e.position, 1, s.contiguous) over (order by e.position) as before
                    from kapivara.events e
                   where e.stream_no = s.stream_no and e.position > s.contiguous) w
           where w.position > w.before + 1
           order by w.position limit 1),
         (select e.position from kapivara.events e where e.stream_no = s.stream_no order by e.position desc limit 1))
