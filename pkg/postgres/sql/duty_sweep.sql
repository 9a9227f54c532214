-- Takes away runs that ended long ago, and duties for subscribers that are removed. Waits for nobody: what is in use stays.
with runs as (
    select dispatcher_no from kapivara.dispatchers where until < clock_timestamp() - interval '1 hour' for update skip locked
), swept as (
    delete from kapivara.dispatchers d using runs where d.dispatcher_no = runs.dispatcher_no
), ended as (
    select d.subscriber_no from kapivara.duties d
      join kapivara.subscribers s on s.subscriber_no = d.subscriber_no and s.removed is not null
       for update of d skip locked
)
delete from kapivara.duties d using ended where d.subscriber_no = ended.subscriber_no
