-- Deliveries of a subscriber by their buckets and numbers, and where they stand (buckets_name, deliveries_number,
-- commits_number, retries_number). $1 the subscriber's number, $2 its name, $3 buckets, $4 numbers.
select {numbered}
  from unnest($3::smallint[], $4::bigint[]) as w(bucket, number)
  join kapivara.buckets b on b.subscriber = $2 and b.bucket = w.bucket
  join kapivara.deliveries d on d.bucket_no = b.bucket_no and d.number = w.number and d.subscriber_no = $1
  join kapivara.streams s on s.stream_no = d.stream_no
  left join kapivara.commits c on c.bucket_no = d.bucket_no and c.number = d.number
  left join kapivara.retries r on r.bucket_no = d.bucket_no and r.number = d.number
