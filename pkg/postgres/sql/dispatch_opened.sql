-- The rows of buckets by their names (buckets_name).
select c.n, b.bucket_no, b.subscriber, b.bucket, b.sent, b.floor, b.version, b.owner, b.epoch
  from unnest($1::text[], $2::smallint[]) with ordinality as c(subscriber, bucket, n)
  join kapivara.buckets b on b.subscriber = c.subscriber and b.bucket = c.bucket
