-- Ends the claims of a subscriber's buckets. Walks buckets_name. The caller has locked the buckets.
update kapivara.buckets b set owner = '', epoch = b.epoch + 1 where b.subscriber = $1 and b.owner <> ''
