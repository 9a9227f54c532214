-- To whom a stream is due without having been leased for that, what goes before it in its bucket, up to $4, and what is
-- leased of the bucket (indexes outbox_due, outbox_grown, replays_stream, outbox_bucket, replays_bucket, and those of
-- read_explain_busy.sql). A row that is no growth is due by the event that completed the stream. What is live goes before
-- a replay, and of a subscriber's growths the first before the others: one is looked at however many wait.
-- $1 the stream's number, $2 the log position that completed it or 0, $3 the subscribers' numbers.
with rows as (
    select o.subscriber_no, o.bucket, o.due, o.cause, 0 as turn
      from kapivara.outbox o
     where o.due = $2 and o.stream_no = $1 and o.cause <> 2 and o.subscriber_no = any ($3::integer[])
    union all
    select u.subscriber_no, g.bucket, g.due, 2, 0
      from unnest($3::integer[]) as u (subscriber_no)
     cross join lateral (
        select o.bucket, o.due
          from kapivara.outbox o
         where o.stream_no = $1 and o.subscriber_no = u.subscriber_no and o.cause = 2
         order by o.due limit 1) g
    union all
    select r.subscriber_no, r.bucket, r.due, 3, 1
      from kapivara.replays r
     where r.stream_no = $1 and r.subscriber_no = any ($3::integer[])
), o as (
    select distinct on (subscriber_no) * from rows order by subscriber_no, turn, due
)
select {waiting}, o.subscriber_no,
       (select count(*) from (select from kapivara.outbox w
                               where w.subscriber_no = o.subscriber_no and w.bucket = o.bucket
                                 and w.due < case when o.turn = 0 then o.due else 9223372036854775807 end
                               order by w.due limit $4) live)
     + (select count(*) from (select from kapivara.replays w
                               where o.turn = 1 and w.subscriber_no = o.subscriber_no and w.bucket = o.bucket
                                 and w.due < o.due order by w.due limit $4) again),
       coalesce(b.owner, ''), n.until, l.leased, l.number, l.attempt, l.deadline
  from o
  join kapivara.streams s on s.stream_no = $1
  join kapivara.subscribers u on u.subscriber_no = o.subscriber_no
  left join kapivara.buckets b on b.subscriber = u.name and b.bucket = o.bucket
  left join kapivara.nodes n on n.subscriber_no = u.subscriber_no and n.node = b.owner
 {busy}
