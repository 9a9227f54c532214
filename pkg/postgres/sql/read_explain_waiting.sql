-- To whom a stream is due without having been leased for that, what goes before it in its bucket, up to $3, and what is
-- leased of the bucket (indexes events_position, outbox_due, replays_due, outbox_bucket, replays_bucket, retries_leased,
-- deliveries_number). A row is due by the event that completed the stream, or, where a subscriber has been "appended" at
-- some time, by any of the stream's. What is live goes before a replay.
-- $1 the stream's number, $2 the log position that completed it or 0.
with place as materialized (
    select $2::bigint as due where $2 > 0
    union
    select e.log_position
      from kapivara.events e
     where e.stream_no = $1
       and exists (select from kapivara.subscribers u where u.removed is null and (u.grown or u.deliver = 'appended'))
), rows as (
    select o.subscriber_no, o.bucket, o.due, o.cause, 0 as turn
      from place p
     cross join lateral (select * from kapivara.outbox x where x.due = p.due offset 0) o -- each by its index
     where o.stream_no = $1
    union all
    select r.subscriber_no, r.bucket, r.due, 3, 1
      from kapivara.subscribers u
     cross join place p
      join kapivara.replays r on r.subscriber_no = u.subscriber_no and r.due = p.due
     where u.removed is null and r.stream_no = $1
), o as (
    select distinct on (subscriber_no) * from rows order by subscriber_no, turn, due
)
select {waiting}, o.subscriber_no,
       (select count(*) from (select from kapivara.outbox w
                               where w.subscriber_no = o.subscriber_no and w.bucket = o.bucket
                                 and w.due < case when o.turn = 0 then o.due else 9223372036854775807 end
                               order by w.due limit $3) live)
     + (select count(*) from (select from kapivara.replays w
                               where o.turn = 1 and w.subscriber_no = o.subscriber_no and w.bucket = o.bucket
                                 and w.due < o.due order by w.due limit $3) again),
       l.leased, l.number, l.attempt, l.deadline, coalesce(b.owner, ''), n.until
  from o
  join kapivara.streams s on s.stream_no = $1
  join kapivara.subscribers u on u.subscriber_no = o.subscriber_no
  left join kapivara.buckets b on b.subscriber = u.name and b.bucket = o.bucket
  left join kapivara.nodes n on n.subscriber_no = u.subscriber_no and n.node = b.owner
 cross join lateral (
    select count(*) as leased, coalesce(min(x.number), 0) as number, coalesce((array_agg(x.attempt order by x.number))[1], 0) as attempt,
           (array_agg(x.deadline order by x.number))[1] as deadline
      from (select r.number, r.attempt, r.until as deadline
              from kapivara.retries r where r.bucket_no = b.bucket_no and r.state = 2
            union all
            select d.number, 1, d.leased + d.ack_wait_ms * interval '1 millisecond'
              from kapivara.deliveries d
             where d.bucket_no = b.bucket_no and d.number > b.floor
               and not exists (select from kapivara.commits c where c.bucket_no = d.bucket_no and c.number = d.number)
               and not exists (select from kapivara.retries r where r.bucket_no = d.bucket_no and r.number = d.number)) x
 ) l
