-- What is due to a subscriber and was never leased, bucket by bucket (outbox_bucket or replays_bucket, streams_pkey). $1 the
-- subscriber's number, $2 the one bucket or null, $3 and $4 the bucket and log position to go on behind, $5 most rows.
select 0, o.due, o.subscriber_no, o.bucket, {waiting}, h.contiguous
  from (select * from {due} w
         where w.subscriber_no = $1 and ($2::smallint is null or w.bucket = $2) and (w.bucket, w.due) > ($3::smallint, $4::bigint)
         order by w.bucket, w.due limit $5) o
  join kapivara.streams s on s.stream_no = o.stream_no
 {head}
 order by o.bucket, o.due
