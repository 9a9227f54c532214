-- One event by its id (index events_id).
select s.name, {event}
  from kapivara.events e
  join kapivara.streams s on s.stream_no = e.stream_no
  join kapivara.kinds k on k.kind_no = e.kind_no
 where e.id = $1
