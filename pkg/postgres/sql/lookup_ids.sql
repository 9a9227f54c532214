-- What is stored under ids. Walks events_id, then the streams and kinds by their numbers; takes no lock.
select e.id, s.name, k.type, k.publisher, e.position, e.flags, e.data, e.log_position
  from unnest($1::bytea[]) as n (id)
  join kapivara.events e on e.id = n.id
  join kapivara.streams s using (stream_no)
  join kapivara.kinds k using (kind_no)
