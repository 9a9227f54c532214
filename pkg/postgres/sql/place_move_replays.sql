-- As place_move_outbox, of what is to be sent again. Walks replays_due.
update kapivara.replays o set bucket = c.bucket
  from unnest($2::bigint[], $3::smallint[]) as c (due, bucket)
 where o.due = c.due and o.subscriber_no = $1
