-- Ends a subscriber; its row stays for the deliveries that name it. The caller holds the log's lock; waits for a part of
-- its backlog that is on its way, whose rows the next statements then see.
update kapivara.subscribers
   set removed = now(), log_position = $2, behind_after = null, behind_until = null, behind_deliver = null,
       behind_types = null, behind_streams = null,
       moving_after = null, moving_until = null
 where subscriber_no = $1
