-- Takes streams from what is to be sent again; KV006 where one is no longer there, or its subscriber is removed. Walks
-- replays_due and subscribers_pkey, locks the rows. $1 log positions, $2 subscribers.
with taken as (
    delete from kapivara.replays o
     using unnest($1::bigint[], $2::integer[]) as c(due, subscriber_no)
      join kapivara.subscribers s on s.subscriber_no = c.subscriber_no and s.removed is null
     where o.due = c.due and o.subscriber_no = c.subscriber_no
    returning 1
)
select kapivara.expect_rows((select count(*) from taken), cardinality($1::bigint[]))
