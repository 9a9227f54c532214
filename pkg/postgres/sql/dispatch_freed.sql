-- What waits of some streams for subscribers, wherever it stands, under the rule of dispatch_lanes_grown.sql: the first
-- growth (outbox_grown), and the stream itself where it has been completed (outbox_due). The first column is the place of
-- the stream among the questions. $1 subscribers, $2 streams.
select l.n, o.due, o.subscriber_no, o.bucket, {grown}
  from unnest($1::integer[], $2::bigint[]) with ordinality as l(subscriber_no, stream_no, n)
  join kapivara.streams s on s.stream_no = l.stream_no
 cross join lateral (
    (select * from kapivara.outbox w
      where w.stream_no = l.stream_no and w.subscriber_no = l.subscriber_no and w.cause = 2
      order by w.due limit 1)
    union all
    select * from kapivara.outbox w where w.due = s.completed and w.subscriber_no = l.subscriber_no and w.cause <> 2
 ) o
 {growth}
 where not {held}
