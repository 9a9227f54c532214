-- Makes the caller the dispatcher at work where nobody is. Locks the one row.
update kapivara.dispatcher_lease
   set epoch = epoch + 1, holder = $1, until = clock_timestamp() + $2 * interval '1 microsecond'
 where until <= clock_timestamp()
returning epoch
