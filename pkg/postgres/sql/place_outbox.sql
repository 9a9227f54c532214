-- The next streams that wait for a subscriber ($1) behind a log position ($2) and up to another ($3), in log order, with
-- what places them. Walks outbox_due (enable_sort is off, so that no page sorts all that waits) and streams_pkey.
select o.due, o.bucket, s.name, s.canary
  from (select due, bucket, stream_no from kapivara.outbox
         where subscriber_no = $1 and due > $2 and due <= $3
         order by due limit $4) o
  join kapivara.streams s on s.stream_no = o.stream_no
 order by o.due
