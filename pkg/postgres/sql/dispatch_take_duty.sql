-- Makes the caller the dispatcher at work where nobody is. Locks the one row against every turn, so it waits for one that
-- is being written.
with free as (
    select one from kapivara.dispatcher_lease where until <= clock_timestamp() for update
)
update kapivara.dispatcher_lease l
   set epoch = l.epoch + 1, holder = $1, until = clock_timestamp() + $2 * interval '1 microsecond'
  from free
 where l.one = free.one
returning l.epoch
