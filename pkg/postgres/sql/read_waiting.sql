-- How many rows of the outbox, or of the replays ({table}), wait in each bucket of a subscriber, with the earliest: by a
-- walk over an index alone (outbox_bucket, replays_bucket), of at most $2 rows. Where they are as many, there are more.
-- $1 the subscriber's number.
select w.bucket, count(*), min(w.due)
  from (select o.bucket, o.due from kapivara.{table} o where o.subscriber_no = $1 order by o.bucket, o.due limit $2) w
 group by w.bucket
