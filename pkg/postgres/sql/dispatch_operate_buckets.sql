-- Moves the version of buckets, so that whoever has decided on them notices, and numbers so many deliveries in each: gives
-- the number before the first. Walks buckets_pkey, locks the rows in the order of their numbers.
-- $1 buckets, $2 how many deliveries get a number.
with held as (
    select b.bucket_no, b.sent, c.numbered
      from unnest($1::integer[], $2::bigint[]) as c(bucket_no, numbered)
      join kapivara.buckets b on b.bucket_no = c.bucket_no
     order by b.bucket_no for update of b
)
update kapivara.buckets b set sent = b.sent + held.numbered, version = b.version + 1
  from held
 where b.bucket_no = held.bucket_no
returning b.bucket_no, b.bucket, held.sent
