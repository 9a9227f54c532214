-- The unsettled numbered deliveries of a stream to a subscriber (streams_name, deliveries_stream, commits_number,
-- retries_number). $1 the subscriber's number, $2 the stream's name, $3 and $4 the bucket and number to go on behind,
-- $5 most rows.
select {numbered}
  from kapivara.streams s
  join kapivara.deliveries d on d.stream_no = s.stream_no and d.subscriber_no = $1 and (d.bucket_no, d.number) > ($3::integer, $4::bigint)
  left join kapivara.commits c on c.bucket_no = d.bucket_no and c.number = d.number
  left join kapivara.retries r on r.bucket_no = d.bucket_no and r.number = d.number
 where s.name = $2 and c.number is null and (r.state is null or r.state <> 5)
 order by d.bucket_no, d.number limit $5
