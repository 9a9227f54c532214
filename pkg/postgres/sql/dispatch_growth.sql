-- A stream s as a row o of the outbox finds it, on the statement's snapshot: its version, how far its contiguous part
-- reaches, and to where growths of it were delivered to the subscriber (events_position, deliveries_grown).
cross join lateral (
    select top.position as version, {contiguous} as contiguous,
           coalesce((select d.to_position
                       from kapivara.deliveries d
                      where d.subscriber_no = o.subscriber_no and d.stream_no = o.stream_no and d.cause = 2
                      order by d.from_position desc limit 1), 0) as delivered
      from (select e.position from kapivara.events e where e.stream_no = s.stream_no order by e.position desc limit 1) top
) g
