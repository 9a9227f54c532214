-- What is to be sent again in some buckets (replays_bucket, streams_pkey), each with how far its stream is without holes.
-- The first column is the place of the bucket among the questions.
-- $1 subscribers, $2 buckets, $3 log positions after which, $4 most rows of each.
select l.n, o.due, o.subscriber_no, o.bucket, {waiting}, h.contiguous
  from unnest($1::integer[], $2::smallint[], $3::bigint[], $4::integer[]) with ordinality as l(subscriber_no, bucket, after, most, n)
 cross join lateral (select * from kapivara.replays w
                      where w.subscriber_no = l.subscriber_no and w.bucket = l.bucket and w.due > l.after
                      order by w.due limit l.most) o
  join kapivara.streams s on s.stream_no = o.stream_no
 {head}
