-- Prolongs the duty of an epoch that has not ended. Locks the one row, so it waits for the turn that is being written.
update kapivara.dispatcher_lease set until = clock_timestamp() + $2 * interval '1 microsecond'
 where epoch = $1 and until > clock_timestamp()
returning now()
