-- Deliveries by their numbers, and where they stand (deliveries_number, streams_pkey, commits_number, retries_number).
select {numbered}
  from unnest($1::integer[], $2::bigint[]) as w(bucket_no, number)
  join kapivara.deliveries d on d.bucket_no = w.bucket_no and d.number = w.number
  join kapivara.streams s on s.stream_no = d.stream_no
  left join kapivara.commits c on c.bucket_no = d.bucket_no and c.number = d.number
  left join kapivara.retries r on r.bucket_no = d.bucket_no and r.number = d.number
