-- Notes of first attempts leased in the same transaction that they go to pulls. The rows are new: of a number that was just
-- given there can be none (retries_number).
-- $1 buckets, $2 numbers, $3 milliseconds to the deadline.
insert into kapivara.retries (bucket_no, number, until, sent, attempt, counted, state, answer)
select c.bucket_no, c.number, now() + c.wait * interval '1 millisecond', now(), 1, 0, 2, 5
  from unnest($1::integer[], $2::bigint[], $3::bigint[]) as c(bucket_no, number, wait)
