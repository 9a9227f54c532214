-- The same from samples, where that are too many rows to count: what lies between the first and the last row of a bucket
-- is cut into parts of the log of the same length, and of each part the first rows are counted. A part that ends before
-- that is counted whole; of another the rest is taken to be as dense. A log position is due to a subscriber once at most,
-- so no part has more rows than log positions. It looks at some $2 rows of the index (outbox_bucket, replays_bucket).
-- $1 the subscriber's number.
with recursive b as (
    (select o.bucket from kapivara.{table} o where o.subscriber_no = $1 order by o.bucket limit 1)
    union all
    select (select o.bucket from kapivara.{table} o where o.subscriber_no = $1 and o.bucket > b.bucket order by o.bucket limit 1)
      from b where b.bucket is not null
), share as (
    select greatest($2 / count(*) / 16, 10) as most from b where b.bucket is not null
), part as (
    select b.bucket, low.due as earliest, s.most, low.due + (high.due + 1 - low.due) * i / 16 as low,
           low.due + (high.due + 1 - low.due) * (i + 1) / 16 as high
      from b
     cross join share s
     cross join lateral (select o.due from kapivara.{table} o
                          where o.subscriber_no = $1 and o.bucket = b.bucket order by o.due limit 1) low
     cross join lateral (select o.due from kapivara.{table} o
                          where o.subscriber_no = $1 and o.bucket = b.bucket order by o.due desc limit 1) high
     cross join generate_series(0, 15) i
     where b.bucket is not null
)
select p.bucket,
       sum(case when k.rows < p.most then k.rows else round(k.rows::numeric * (p.high - p.low) / (k.last + 1 - p.low)) end)::bigint,
       min(p.earliest)
  from part p
 cross join lateral (
    select count(*) as rows, max(x.due) as last
      from (select o.due from kapivara.{table} o
             where o.subscriber_no = $1 and o.bucket = p.bucket and o.due >= p.low and o.due < p.high
             order by o.due limit p.most) x
 ) k
 group by p.bucket
