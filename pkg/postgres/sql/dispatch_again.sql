-- Leases hidden and pending deliveries again, none before its time by the database's clock; KV006 where one is not as it
-- is known, or its time has not come. Walks retries_number, locks the rows.
-- $1 buckets, $2 numbers, $3 the new attempts, $4 milliseconds to the deadline, $5 whether it goes to a pull.
with begun as (
    update kapivara.retries r
       set state = 2, attempt = c.attempt, sent = now(), until = now() + c.wait * interval '1 millisecond',
           answer = case when c.pulled then 5 else 0 end, reason = ''
      from unnest($1::integer[], $2::bigint[], $3::integer[], $4::bigint[], $5::boolean[])
           as c(bucket_no, number, attempt, wait, pulled)
     where r.bucket_no = c.bucket_no and r.number = c.number and r.attempt = c.attempt - 1
       and (r.state = 3 and r.until <= now() or r.state = 1)
    returning 1
)
select kapivara.expect_rows((select count(*) from begun), cardinality($1::integer[]))
