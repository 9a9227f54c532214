-- Takes the duties of those of the subscribers $2 for whom no run works that may still live. The statement waits for turns
-- that hold such a duty, since they lock it for share; one that was taken by another meanwhile has another epoch and stays.
with free as (
    select s.subscriber_no, coalesce(d.epoch, 0) as epoch
      from kapivara.subscribers s
      left join kapivara.duties d on d.subscriber_no = s.subscriber_no
     where s.subscriber_no = any($2::integer[]) and s.removed is null
       and not exists (select from kapivara.dispatchers r where r.dispatcher_no = d.dispatcher_no and r.until > '-infinity')
     order by s.subscriber_no
)
insert into kapivara.duties as d (subscriber_no, dispatcher_no, epoch)
select subscriber_no, $1, epoch + 1 from free
on conflict (subscriber_no) do update set dispatcher_no = excluded.dispatcher_no, epoch = excluded.epoch
 where d.epoch = excluded.epoch - 1
returning d.subscriber_no, d.epoch
