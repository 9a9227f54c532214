-- Replaces the fields of a subscriber. Its backlog, if it still has one, stays as it was when the name was set. The
-- caller holds the log's lock; waits for a part of a backlog that is on its way. Where the numbers of buckets change, all
-- that is due by now ($14) is to be placed anew; what becomes due later is placed by the new ones.
update kapivara.subscribers
   set description = $2, system = $3, types = $4, streams = $5, buckets = $6, canary_buckets = $7, deliver = $8,
       ack_wait_ms = $9, max_attempts = $10, backoff_ms = $11, max_in_flight = $12, start = $13, log_position = $14,
       grown = $15,
       moving_after = case when buckets <> $6 or canary_buckets <> $7 then 0 else moving_after end,
       moving_until = case when buckets <> $6 or canary_buckets <> $7 then $14::bigint else moving_until end,
       relaid = case when buckets <> $6 or canary_buckets <> $7 then relaid + 1 else relaid end
 where subscriber_no = $1
