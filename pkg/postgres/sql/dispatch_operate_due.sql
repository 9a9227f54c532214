-- What is due to a subscriber, was never leased and is held back by nothing, bucket by bucket (outbox_bucket or
-- replays_bucket, streams_pkey, and as in dispatch_lanes_grown.sql). $1 the subscriber's number, $2 the one bucket or null,
-- $3 and $4 the bucket and log position to go on behind, $5 most rows,
-- $6 whether a whole stream may be taken before a growth of it that waits, in whatever bucket.
select 0, o.due, o.subscriber_no, o.bucket, {grown}
  from (select * from {due} o
         where o.subscriber_no = $1 and ($2::smallint is null or o.bucket = $2) and (o.bucket, o.due) > ($3::smallint, $4::bigint)
           and {first} and ($6 or {whole_first}) and not {held} and not (o.cause = 3 and {held_whole})
         order by o.bucket, o.due limit $5) o
  join kapivara.streams s on s.stream_no = o.stream_no
 {growth}
 order by o.bucket, o.due
