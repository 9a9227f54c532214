-- How far a subscriber ($1) is placed. Keeps its buckets as they are until the end of the transaction. Turns
-- of the dispatcher, which hold the row the same way, go on beside it until rows are written.
select name, buckets, canary_buckets, moving_after, moving_until, grown
  from kapivara.subscribers
 where subscriber_no = $1 and moving_until is not null and removed is null
   for share
