-- What is due of a stream to a subscriber, was never leased and is held back by nothing (streams_name, events_position,
-- outbox_due or replays_due): it is due for the log position of one of the stream's events. $1 the subscriber's number,
-- $2 the stream's name, $3 the log position to go on behind, $4 most rows, $5 whether a whole stream may be
-- taken before a growth of it that waits.
select 0, o.due, o.subscriber_no, o.bucket, {grown}
  from kapivara.streams s
  join kapivara.events e on e.stream_no = s.stream_no and e.log_position > $3
  join {due} o on o.due = e.log_position and o.subscriber_no = $1
 {growth}
 where s.name = $2 and {first} and ($5 or {whole_first}) and not {held} and not (o.cause = 3 and {held_whole})
 order by o.due limit $4
