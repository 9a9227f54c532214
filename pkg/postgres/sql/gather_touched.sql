-- The streams of which events stand in a part of the log, but for those that wait for the subscriber already by a growth of
-- its backlog (events_log, streams_pkey, outbox_grown). $1 and $2 bound the part, $3 is the subscriber, $4 the backlog's end.
select s.stream_no, s.name, s.canary
  from (select distinct e.stream_no from kapivara.events e where e.log_position > $1 and e.log_position <= $2) t
  join kapivara.streams s on s.stream_no = t.stream_no
 where not exists (select from kapivara.outbox o
                    where o.stream_no = s.stream_no and o.subscriber_no = $3 and o.cause = 2 and o.due <= $4)
