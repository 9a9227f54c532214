-- The dispatcher that works for the subscriber of a name, 0 where none that lives does (subscribers_name, duties_pkey,
-- dispatchers_pkey).
select coalesce(l.dispatcher_no, 0)
  from kapivara.subscribers s
  left join kapivara.duties d on d.subscriber_no = s.subscriber_no
  left join kapivara.dispatchers l on l.dispatcher_no = d.dispatcher_no and l.until > clock_timestamp()
 where s.name = $1 and s.removed is null
