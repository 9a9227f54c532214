-- Puts streams that wait for a subscriber ($1) into other buckets. Walks outbox_due, locks the rows: nobody leases them
-- before they are placed.
update kapivara.outbox o set bucket = c.bucket
  from unnest($2::bigint[], $3::smallint[]) as c (due, bucket)
 where o.due = c.due and o.subscriber_no = $1
