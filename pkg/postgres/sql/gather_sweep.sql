-- Takes away at most $1 of the streams that still wait for removed subscribers. Walks outbox_bucket once for each.
delete from kapivara.outbox o
 using (
    select w.due, w.subscriber_no
      from kapivara.subscribers s
     cross join lateral (
        select due, subscriber_no from kapivara.outbox where subscriber_no = s.subscriber_no limit $1
     ) w
     where s.removed is not null
     limit $1
 ) gone
 where o.due = gone.due and o.subscriber_no = gone.subscriber_no
