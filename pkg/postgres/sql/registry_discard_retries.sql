-- Discards the deliveries of a subscriber's buckets that have left the plain road: pending, leased again, hidden, parked.
-- Walks buckets_name and retries_number. The caller has locked the buckets.
update kapivara.retries r set state = 5, until = null, reason = 'subscriber removed'
  from kapivara.buckets b
 where b.subscriber = $1 and r.bucket_no = b.bucket_no and r.state <> 5
