-- Whether an unsettled delivery of its stream holds a row o of the outbox back. Of growths only the latest delivery can be
-- unsettled, since it has waited for those before it; replays are looked at all (deliveries_grown, deliveries_replayed,
-- commits_number, retries_number).
exists (
    select from (
        (select d.bucket_no, d.number from kapivara.deliveries d
          where d.subscriber_no = o.subscriber_no and d.stream_no = o.stream_no and d.cause = 2
          order by d.from_position desc limit 1)
        union all
        select d.bucket_no, d.number from kapivara.deliveries d
         where d.subscriber_no = o.subscriber_no and d.stream_no = o.stream_no and d.cause = 3
    ) d
     where not exists (select from kapivara.commits c where c.bucket_no = d.bucket_no and c.number = d.number)
       and not exists (select from kapivara.retries r where r.bucket_no = d.bucket_no and r.number = d.number and r.state = 5)
)
