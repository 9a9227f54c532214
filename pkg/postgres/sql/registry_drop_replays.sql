-- Takes away at most $2 of the streams that are still to be sent to a subscriber again. Walks replays_due.
delete from kapivara.replays
 where (subscriber_no, due) in (select subscriber_no, due from kapivara.replays where subscriber_no = $1 limit $2)
