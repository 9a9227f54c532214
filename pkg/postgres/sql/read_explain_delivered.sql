-- The numbered deliveries of a stream that matter to each subscriber: the latest one, and the first that is not settled,
-- with what was answered to it, who has claimed its bucket, and what else of that is leased (indexes deliveries_grown,
-- deliveries_stream, retries_number, commits_number). Of growths only the latest can be unsettled, since it has waited for
-- those before it, so one is looked at however many there are.
-- $1 the stream's number, $2 the subscribers' numbers. The first column tells whether it is the latest.
with mine as materialized (
    select g.bucket_no, g.number, g.subscriber_no, g.leased
      from unnest($2::integer[]) as u (subscriber_no)
     cross join lateral (
        select d.bucket_no, d.number, d.subscriber_no, d.leased
          from kapivara.deliveries d
         where d.subscriber_no = u.subscriber_no and d.stream_no = $1 and d.cause = 2
         order by d.from_position desc limit 1) g
    union all
    select d.bucket_no, d.number, d.subscriber_no, d.leased
      from kapivara.deliveries d
     where d.stream_no = $1 and d.cause <> 2 and d.subscriber_no = any ($2::integer[])
), open as (
    select m.bucket_no, m.number, m.subscriber_no, m.leased
      from mine m
      left join kapivara.retries r on r.bucket_no = m.bucket_no and r.number = m.number
     where r.state < 5
        or r.state is null
           and not exists (select from kapivara.commits c where c.bucket_no = m.bucket_no and c.number = m.number)
), chosen as (
    (select distinct on (subscriber_no) true as latest, bucket_no, number, subscriber_no
       from mine order by subscriber_no, leased desc, number desc)
    union all
    (select distinct on (subscriber_no) false, bucket_no, number, subscriber_no
       from open order by subscriber_no, leased, number)
)
select {delivery}, x.latest, d.subscriber_no, coalesce(r.answer, 0), b.owner, n.until,
       l.leased, l.number, l.attempt, l.deadline
  from chosen x
  join kapivara.deliveries d on d.bucket_no = x.bucket_no and d.number = x.number
  join kapivara.buckets b on b.bucket_no = d.bucket_no
  join kapivara.streams s on s.stream_no = d.stream_no
  left join kapivara.commits c on c.bucket_no = d.bucket_no and c.number = d.number
  left join kapivara.retries r on r.bucket_no = d.bucket_no and r.number = d.number
  left join kapivara.nodes n on n.subscriber_no = d.subscriber_no and n.node = b.owner
 {busy}
