-- Locks the buckets of a subscriber by its name, and moves their version, so that a dispatcher that has decided on them
-- notices. Walks buckets_name. Locks rows in the order of their numbers, after the log's row.
with held as (
    select bucket_no from kapivara.buckets where subscriber = $1 order by bucket_no for update
)
update kapivara.buckets b set version = b.version + 1 from held where b.bucket_no = held.bucket_no
