-- The next completed streams of a backlog, in log order. Walks streams_completed.
select stream_no, completed, name, canary
  from kapivara.streams
 where completed > $1 and completed <= $2
 order by completed
 limit $3
