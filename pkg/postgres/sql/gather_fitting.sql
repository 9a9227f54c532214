-- Which of these streams ($1) hold an event of one of these kinds ($2). Walks events_position.
select s.stream_no from unnest($1::bigint[]) as s (stream_no)
 where exists (select from kapivara.events e where e.stream_no = s.stream_no and e.kind_no = any($2::integer[]))
