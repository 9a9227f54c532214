-- As gather_sweep, of what was to be sent again. Walks replays_due once for each.
delete from kapivara.replays o
 using (
    select w.due, w.subscriber_no
      from kapivara.subscribers s
     cross join lateral (
        select due, subscriber_no from kapivara.replays where subscriber_no = s.subscriber_no limit $1
     ) w
     where s.removed is not null
     limit $1
 ) gone
 where o.due = gone.due and o.subscriber_no = gone.subscriber_no
