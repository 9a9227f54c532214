-- Ends the move of a subscriber that is placed to its end. The caller holds the log's lock, and gives the registry its next
-- version when a row comes back.
update kapivara.subscribers set moving_after = null, moving_until = null
 where subscriber_no = $1 and removed is null and moving_after >= moving_until
returning name
