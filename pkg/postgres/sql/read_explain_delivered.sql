-- The latest numbered delivery of a stream to each subscriber (index deliveries_stream). $1 the stream's number.
select distinct on (d.subscriber_no) {delivery}, d.subscriber_no, coalesce(r.answer, 0)
  from kapivara.deliveries d
  join kapivara.buckets b on b.bucket_no = d.bucket_no
  join kapivara.streams s on s.stream_no = d.stream_no
  left join kapivara.commits c on c.bucket_no = d.bucket_no and c.number = d.number
  left join kapivara.retries r on r.bucket_no = d.bucket_no and r.number = d.number
 where d.stream_no = $1
 order by d.subscriber_no, d.leased desc, d.number desc
