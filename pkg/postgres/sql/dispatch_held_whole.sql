-- Whether an unsettled delivery of its whole stream holds a row o of the replays back: the mode was switched since it was noted
-- (deliveries_stream, commits_number, retries_number).
exists (
    select from kapivara.deliveries d
     where d.stream_no = o.stream_no and d.subscriber_no = o.subscriber_no and d.cause = 1
       and not exists (select from kapivara.commits c where c.bucket_no = d.bucket_no and c.number = d.number)
       and not exists (select from kapivara.retries r where r.bucket_no = d.bucket_no and r.number = d.number and r.state = 5)
)
