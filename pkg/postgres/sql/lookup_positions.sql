-- Which ids are stored at positions. Walks streams_name and events_position; takes no lock.
select n.name, e.position, e.id
  from unnest($1::text[], $2::int[]) as n (name, position)
  join kapivara.streams s on s.name = n.name
  join kapivara.events e on e.stream_no = s.stream_no and e.position = n.position
