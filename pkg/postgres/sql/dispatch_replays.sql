-- What is to be sent again in some buckets and held back by nothing, each with how far its stream is without holes
-- (replays_bucket, streams_pkey, and as in dispatch_held.sql, dispatch_held_whole.sql and dispatch_growth.sql). The first column is the place of the
-- bucket among the questions. $1 subscribers, $2 buckets, $3 log positions after which, $4 most rows of each.
select l.n, o.due, o.subscriber_no, o.bucket, {grown}
  from unnest($1::integer[], $2::smallint[], $3::bigint[], $4::integer[]) with ordinality as l(subscriber_no, bucket, after, most, n)
 cross join lateral (select o.*, 3::smallint as cause, null::integer as grown from kapivara.replays o
                      where o.subscriber_no = l.subscriber_no and o.bucket = l.bucket and o.due > l.after and not {held} and not {held_whole}
                      order by o.due limit l.most) o
  join kapivara.streams s on s.stream_no = o.stream_no
 {growth}
