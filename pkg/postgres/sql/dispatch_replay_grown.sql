-- The streams whose last growth in a range of the log is in this part of it, and whether each has nothing unsettled with the
-- subscriber, grew late enough, and holds an event of one of the kinds without a hole before it (events_log,
-- events_position, and as in dispatch_replay_complete.sql). $1 the subscriber, $2 and $3 the part, $4 since when or null,
-- $5 the range's end, $6 kinds, null where any will do.
select s.stream_no, g.due, s.name, s.canary,
       ($4::timestamptz is null or (select e.recorded from kapivara.events e where e.log_position = g.due) >= $4)
       and not exists (select from kapivara.outbox o where o.due = s.completed and o.subscriber_no = $1)
       and not exists (select from kapivara.outbox o where o.stream_no = s.stream_no and o.subscriber_no = $1 and o.cause = 2)
       and not exists (select from kapivara.replays p where p.due = g.due and p.subscriber_no = $1)
       and not ( exists (select from kapivara.events e join kapivara.replays p on p.due = e.log_position and p.subscriber_no = $1
                                where e.stream_no = s.stream_no))
       and not exists (select from kapivara.deliveries d
                         left join kapivara.retries r on r.bucket_no = d.bucket_no and r.number = d.number
                        where d.stream_no = s.stream_no and d.subscriber_no = $1 and (r.state is null or r.state <> 5)
                          and not exists (select from kapivara.commits c where c.bucket_no = d.bucket_no and c.number = d.number))
       and ($6::integer[] is null or exists (select from kapivara.events e
             where e.stream_no = s.stream_no and e.position <= g.position and e.kind_no = any($6)))
  from (select distinct e.stream_no from kapivara.events e where e.log_position > $2 and e.log_position <= $3) n
  join kapivara.streams s on s.stream_no = n.stream_no
 cross join lateral (
    select max(w.reached) filter (where w.reached <= $5) as due, max(w.position) as position
      from (select e.position, row_number() over (order by e.position) as n, max(e.log_position) over (order by e.position) as reached
              from kapivara.events e where e.stream_no = s.stream_no) w
     where w.position = w.n
 ) g
 where g.due > $2 and g.due <= $3
