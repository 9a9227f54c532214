-- Takes away at most $2 of the streams that wait for a subscriber. Walks outbox_bucket.
delete from kapivara.outbox
 where (due, subscriber_no) in (select due, subscriber_no from kapivara.outbox where subscriber_no = $1 limit $2)
