-- Takes growths that deliveries hold already from what is due, those that are still there (outbox_due). $1 log positions,
-- $2 subscribers.
delete from kapivara.outbox o
 using unnest($1::bigint[], $2::integer[]) as c(due, subscriber_no)
 where o.due = c.due and o.subscriber_no = c.subscriber_no and o.cause = 2
