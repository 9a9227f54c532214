-- What is leased of a bucket b, and the lowest number of that (indexes retries_leased, deliveries_number, commits_number,
-- retries_number): what has a row in retries says so, and of what is above the floor all that has neither row is.
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
