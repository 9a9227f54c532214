-- How many deliveries of a subscriber stand where, bucket by bucket, of one snapshot, with those that were never leased
-- as they have been counted: $2 buckets, $3 how many, $4 the earliest that is live, null for none. $1 the subscriber's
-- name. What is above the floor of a bucket without a commit and without a row in retries is leased for the first time;
-- what has neither been leased nor left the road is committed, so commits are not counted one by one (indexes
-- buckets_name, deliveries_number, retries_number).
with b as materialized (
    select b.bucket_no, b.bucket, b.sent, b.floor, b.owner, b.epoch from kapivara.buckets b where b.subscriber = $1
), lately as (
    select b.bucket_no, count(*) as leased, min(d.due) filter (where d.cause <> 3) as due
      from b
      join kapivara.deliveries d on d.bucket_no = b.bucket_no and d.number > b.floor
     where not exists (select from kapivara.commits c where c.bucket_no = d.bucket_no and c.number = d.number)
       and not exists (select from kapivara.retries r where r.bucket_no = d.bucket_no and r.number = d.number)
     group by b.bucket_no
), again as (
    select b.bucket_no, count(*) as rows, count(*) filter (where r.state = 1) as pending,
           count(*) filter (where r.state = 2) as leased, count(*) filter (where r.state = 3) as hidden,
           count(*) filter (where r.state = 4) as parked, count(*) filter (where r.state = 5) as discarded,
           min(d.due) filter (where d.cause <> 3) as due
      from b
      join kapivara.retries r on r.bucket_no = b.bucket_no
      left join kapivara.deliveries d on r.state <= 3 and d.bucket_no = r.bucket_no and d.number = r.number
     group by b.bucket_no
), waiting as (
    select * from unnest($2::int[], $3::bigint[], $4::bigint[]) w (bucket, pending, due)
), counted as (
    select coalesce(b.bucket, w.bucket) as bucket,
           coalesce(w.pending, 0) + coalesce(a.pending, 0) as pending,
           coalesce(l.leased, 0) + coalesce(a.leased, 0) as leased,
           coalesce(a.hidden, 0) as hidden, coalesce(a.parked, 0) as parked,
           coalesce(b.sent, 0) - coalesce(l.leased, 0) - coalesce(a.rows, 0) as committed,
           coalesce(a.discarded, 0) as discarded, coalesce(b.sent, 0) as sent, least(w.due, l.due, a.due) as due,
           coalesce(b.owner, '') as owner, coalesce(b.epoch, 0) as epoch
      from b
      left join lately l on l.bucket_no = b.bucket_no
      left join again a on a.bucket_no = b.bucket_no
      full join waiting w on w.bucket = b.bucket
)
select c.bucket, c.pending, c.leased, c.hidden, c.parked, c.committed, c.discarded, c.sent,
       coalesce(extract(epoch from clock_timestamp() - e.recorded), 0)::float8, c.owner, c.epoch
  from counted c
  left join kapivara.events e on e.log_position = c.due
