-- What is on its first lease in the buckets of subscribers: above the floor, without a commit and without a row in
-- retries (buckets_name, deliveries_number, commits_number, retries_number, streams_pkey).
select {numbered}
  from kapivara.buckets b
  join kapivara.deliveries d on d.bucket_no = b.bucket_no and d.number > b.floor
  join kapivara.streams s on s.stream_no = d.stream_no
  left join kapivara.commits c on c.bucket_no = d.bucket_no and c.number = d.number
  left join kapivara.retries r on r.bucket_no = d.bucket_no and r.number = d.number
 where b.subscriber = any($1) and c.number is null and r.number is null
