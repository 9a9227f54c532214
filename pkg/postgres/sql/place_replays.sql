-- As place_outbox, of what is to be sent again. Walks replays_due and streams_pkey.
select o.due, o.bucket, s.name, s.canary
  from (select due, bucket, stream_no from kapivara.replays
         where subscriber_no = $1 and due > $2 and due <= $3
         order by due limit $4) o
  join kapivara.streams s on s.stream_no = o.stream_no
 order by o.due
