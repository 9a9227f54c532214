-- What is on a later lease in the buckets of subscribers (buckets_name, retries_leased, deliveries_number, streams_pkey).
select {numbered}
  from kapivara.buckets b
  join kapivara.retries r on r.bucket_no = b.bucket_no and r.state = 2
  join kapivara.deliveries d on d.bucket_no = r.bucket_no and d.number = r.number
  join kapivara.streams s on s.stream_no = d.stream_no
  left join kapivara.commits c on c.bucket_no = d.bucket_no and c.number = d.number
 where b.subscriber = any($1)
