-- A stream as it stands, for its explanation (indexes streams_name, events_position). $1 name.
select s.stream_no, coalesce(s.completed, 0), h.version, h.contiguous, coalesce(s.finish, 0), s.canary, h.low, h.high, now(),
       exists (select from kapivara.dispatchers l where l.until > now())
  from kapivara.streams s
 {head}
 where s.name = $1
