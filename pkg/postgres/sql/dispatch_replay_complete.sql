-- The next streams that were completed in a range of the log, in its order, and whether each has nothing unsettled with the
-- subscriber and was completed late enough (streams_completed, outbox_due, outbox_grown, replays_due, deliveries_stream,
-- commits_number, retries_number, events_log). $1 the subscriber, $2 and $3 the range, $4 since when or null, $5 most rows,
-- $6 whether its mode was "appended" at some time, so that a stream may wait for another log position.
select s.stream_no, s.completed, s.name, s.canary,
       ($4::timestamptz is null or (select e.recorded from kapivara.events e where e.log_position = s.completed) >= $4)
       and not exists (select from kapivara.outbox o where o.due = s.completed and o.subscriber_no = $1)
       and not exists (select from kapivara.outbox o where o.stream_no = s.stream_no and o.subscriber_no = $1 and o.cause = 2)
       and not exists (select from kapivara.replays p where p.due = s.completed and p.subscriber_no = $1)
       and not ($6::boolean and exists (select from kapivara.events e join kapivara.replays p on p.due = e.log_position and p.subscriber_no = $1
                                where e.stream_no = s.stream_no))
       and not exists (select from kapivara.deliveries d
                         left join kapivara.retries r on r.bucket_no = d.bucket_no and r.number = d.number
                        where d.stream_no = s.stream_no and d.subscriber_no = $1 and (r.state is null or r.state <> 5)
                          and not exists (select from kapivara.commits c where c.bucket_no = d.bucket_no and c.number = d.number))
  from kapivara.streams s
 where s.completed > $2 and s.completed <= $3
 order by s.completed
 limit $5
