-- Prolongs a run that has not ended (dispatchers_pkey). Waits for no turn: one that takes long must not cost the duties.
update kapivara.dispatchers set until = clock_timestamp() + $2 * interval '1 microsecond'
 where dispatcher_no = $1 and until > clock_timestamp()
returning now()
