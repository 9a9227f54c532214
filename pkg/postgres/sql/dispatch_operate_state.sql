-- The deliveries of a subscriber in a state that only retries has, bucket by bucket (buckets_name, retries_number,
-- deliveries_number, streams_pkey). $1 the subscriber's name, $2 the one bucket or null, $3 the state, $4 and $5 the bucket
-- and number to go on behind, $6 most rows.
select {numbered}
  from kapivara.buckets b
 cross join lateral (select * from kapivara.retries h
                      where h.bucket_no = b.bucket_no and h.state = $3::smallint and h.number > case when b.bucket_no = $4 then $5::bigint else 0 end
                      order by h.number limit $6) r
  join kapivara.deliveries d on d.bucket_no = r.bucket_no and d.number = r.number
  join kapivara.streams s on s.stream_no = d.stream_no
  left join kapivara.commits c on c.bucket_no = d.bucket_no and c.number = d.number
 where b.subscriber = $1 and b.bucket_no >= $4::integer and ($2::smallint is null or b.bucket = $2)
 order by d.bucket_no, d.number limit $6
