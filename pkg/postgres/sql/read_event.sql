-- One event by its id (index events_id).
select {event}, {name}
  from kapivara.events e
 where e.id = $1
