-- The head of a stream as it is, for a row s of kapivara.streams, whose version and contiguous are a lower bound: the
-- version is the highest position of the index events_position, and the holes are found on a walk of that index above
-- s.contiguous. It locks nothing. The holes listed are the first 100 (kapivara.MaxRanges).
cross join lateral (
    select top.position as version, coalesce(g.low[1] - 1, top.position) as contiguous, g.low, g.high
      from (select e.position from kapivara.events e where e.stream_no = s.stream_no order by e.position desc limit 1) top
     cross join (
         select array_agg(hole.low order by hole.low) as low, array_agg(hole.high order by hole.low) as high
           from (select w.before + 1 as low, w.position - 1 as high
                   from (select e.position, lag(e.position, 1, s.contiguous) over (order by e.position) as before
                           from kapivara.events e
                          where e.stream_no = s.stream_no and e.position > s.contiguous) w
                  where w.position > w.before + 1
                  order by w.position limit 100) hole) g
) h
