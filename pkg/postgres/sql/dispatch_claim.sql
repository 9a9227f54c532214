-- Gives buckets to nodes, or to none; KV006 where an epoch would not grow. Walks buckets_pkey; the turn has locked the
-- rows. $1 numbers, $2 owners, $3 epochs.
with given as (
    update kapivara.buckets b set owner = c.owner, epoch = c.epoch
      from unnest($1::integer[], $2::text[], $3::bigint[]) as c(bucket_no, owner, epoch)
     where b.bucket_no = c.bucket_no and b.epoch < c.epoch
    returning 1
)
select kapivara.expect_rows((select count(*) from given), cardinality($1::integer[]))
