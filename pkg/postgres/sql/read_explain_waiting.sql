-- To whom a stream is due without ever having been leased, how much is due before it in its bucket, up to $3, and how
-- much of the bucket is leased (indexes outbox_due, outbox_bucket, retries_number, deliveries_number).
-- $1 the log position that completed the stream, $2 the stream's number.
select {waiting}, o.subscriber_no,
       (select count(*) from (select from kapivara.outbox w
                               where w.subscriber_no = o.subscriber_no and w.bucket = o.bucket and w.due < o.due limit $3) ahead),
       (select count(*) from kapivara.retries r where r.bucket_no = b.bucket_no and r.state = 2) +
       (select count(*) from kapivara.deliveries d
         where d.bucket_no = b.bucket_no and d.number > b.floor
           and not exists (select from kapivara.commits c where c.bucket_no = d.bucket_no and c.number = d.number)
           and not exists (select from kapivara.retries r where r.bucket_no = d.bucket_no and r.number = d.number))
  from kapivara.outbox o
  join kapivara.streams s on s.stream_no = o.stream_no
  join kapivara.subscribers u on u.subscriber_no = o.subscriber_no
  left join kapivara.buckets b on b.subscriber = u.name and b.bucket = o.bucket
 where o.due = $1 and o.stream_no = $2
