-- Makes runs whose time is over end for ever. One that is just being prolonged is waited for, and lives.
with dead as (
    select dispatcher_no from kapivara.dispatchers
     where until <= clock_timestamp() and until > '-infinity' order by dispatcher_no for no key update
)
update kapivara.dispatchers d set until = '-infinity' from dead where d.dispatcher_no = dead.dispatcher_no
