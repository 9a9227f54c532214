-- Ends a backlog that is gathered to its end. The caller holds the log's lock, and gives the registry its next version
-- when a row comes back.
update kapivara.subscribers
   set behind_after = null, behind_until = null, behind_deliver = null, behind_types = null, behind_streams = null
 where subscriber_no = $1 and removed is null and behind_after >= behind_until
returning name
