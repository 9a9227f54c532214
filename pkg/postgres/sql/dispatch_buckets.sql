-- The rows of all buckets of subscribers, by their names (buckets_name).
select b.bucket_no, b.subscriber, b.bucket, b.sent, b.floor, b.version, b.owner, b.epoch
  from kapivara.buckets b where b.subscriber = any($1)
