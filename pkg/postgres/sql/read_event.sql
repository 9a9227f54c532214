-- One event by its id (index events_id).
select {bare}, {name}
  from kapivara.events e
 where e.id = $1
