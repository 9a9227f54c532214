-- Moves buckets on from the versions at which they are known; KV006 where one has moved meanwhile.
-- Walks buckets_pkey, locks the buckets, before anything else of the turn.
-- $1 numbers, $2 known versions, $3 sent, $4 floors, $5 what is committed last or 0.
with moved as (
    update kapivara.buckets b
       set sent = c.sent, floor = c.floor, version = b.version + 1,
           committed_number = coalesce(nullif(c.committed, 0), b.committed_number),
           committed_at = case when c.committed > 0 then now() else b.committed_at end
      from unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
           as c(bucket_no, version, sent, floor, committed)
     where b.bucket_no = c.bucket_no and b.version = c.version
    returning 1
)
select kapivara.expect_rows((select count(*) from moved), cardinality($1::integer[]))
