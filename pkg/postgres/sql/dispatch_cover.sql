-- Takes the growths that a delivery leased now holds as well from what is due (outbox_grown). Whoever has looked how far
-- the stream reaches sees every row of it: they come in with the events. $1 streams, $2 subscribers, $3 last positions.
delete from kapivara.outbox o
 using unnest($1::bigint[], $2::integer[], $3::integer[]) as c(stream_no, subscriber_no, last)
 where o.stream_no = c.stream_no and o.subscriber_no = c.subscriber_no and o.cause = 2 and o.grown <= c.last
