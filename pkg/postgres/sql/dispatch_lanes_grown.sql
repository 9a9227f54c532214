-- dispatch_lanes.sql for subscribers whose mode was "appended" at some time: without what an earlier delivery of its
-- stream holds back, and of the growths of a stream only the first; that one says how far the stream has grown by now
-- (outbox_bucket, outbox_grown, streams_pkey, events_position, and as in dispatch_held.sql).
select l.n, o.due, o.subscriber_no, o.bucket, {grown}
  from unnest($1::integer[], $2::smallint[], $3::bigint[], $4::integer[]) with ordinality as l(subscriber_no, bucket, after, most, n)
 cross join lateral (select * from kapivara.outbox o
                      where o.subscriber_no = l.subscriber_no and o.bucket = l.bucket and o.due > l.after
                        and {first} and not {held}
                      order by o.due limit l.most) o
  join kapivara.streams s on s.stream_no = o.stream_no
 {growth}
