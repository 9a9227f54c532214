-- One delivery by its number, or the one that was committed last where the number is 0, with what its message says of it
-- (indexes subscribers_name, buckets_name, deliveries_number). $1 subscriber, $2 bucket, $3 number. No row: there is no
-- such subscriber. A row without a stream: there is no such delivery.
select b.bucket is not null, coalesce(d.number, 0), coalesce(s.name, ''), coalesce(s.canary, false),
       coalesce(d.from_position, 0), coalesce(d.to_position, 0), coalesce(d.cause, 0), coalesce(d.buckets, 0),
       coalesce(d.ack_wait_ms, 0), coalesce(c.attempt, r.attempt, 1), c.committed
  from kapivara.subscribers u
  left join kapivara.buckets b on b.subscriber = u.name and b.bucket = $2
  left join kapivara.deliveries d on d.bucket_no = b.bucket_no and d.number = case when $3 > 0 then $3 else b.committed_number end
  left join kapivara.commits c on c.bucket_no = d.bucket_no and c.number = d.number
  left join kapivara.retries r on r.bucket_no = d.bucket_no and r.number = d.number
  left join kapivara.streams s on s.stream_no = d.stream_no
 where u.name = $1 and u.removed is null
