-- The next streams that were completed in a range of the log, in its order, and whether each has nothing unsettled with the
-- subscriber and was completed late enough (streams_completed, outbox_due, replays_due, deliveries_stream, commits_number,
-- retries_number, events_log). $1 the subscriber, $2 and $3 the range, $4 since when or null, $5 most rows.
select s.stream_no, s.completed, s.name, s.canary,
       ($4::timestamptz is null or (select e.recorded from kapivara.events e where e.log_position = s.completed) >= $4)
       and not exists (select from kapivara.outbox o where o.due = s.completed and o.subscriber_no = $1)
       and not exists (select from kapivara.replays p where p.due = s.completed and p.subscriber_no = $1)
       and not exists (select from kapivara.deliveries d
                         left join kapivara.retries r on r.bucket_no = d.bucket_no and r.number = d.number
                        where d.stream_no = s.stream_no and d.subscriber_no = $1 and (r.state is null or r.state <> 5)
                          and not exists (select from kapivara.commits c where c.bucket_no = d.bucket_no and c.number = d.number))
  from kapivara.streams s
 where s.completed > $2 and s.completed <= $3
 order by s.completed
 limit $5
