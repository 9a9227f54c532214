-- Prolongs the duty of an epoch that has not ended. Waits for no turn: one that takes long must not cost the duty.
update kapivara.dispatcher_lease set until = clock_timestamp() + $2 * interval '1 microsecond'
 where epoch = $1 and until > clock_timestamp()
returning now()
