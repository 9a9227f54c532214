-- The events of deliveries, one stretch after another (events_position). The first column is the place of the stretch
-- among the questions, the second the weight of the stretch up to and with the event; the rest is left out where that
-- passes $5. $1 streams, $2 first and $3 last positions, $4 places.
select w.n, e.weighed, e.log_position, e.recorded, e.position, e.flags, k.type, k.publisher, e.id, e.occurred, e.source, e.attributes, e.data
  from unnest($1::bigint[], $2::integer[], $3::integer[], $4::integer[]) as w(stream_no, low, high, n)
 cross join lateral (
       select x.log_position, x.recorded, x.position, x.kind_no, x.flags, x.id, x.occurred, x.source, x.attributes,
              case when x.weighed <= $5 then x.data end as data, x.weighed
         from (select e.*, sum({weight}) over (order by e.position rows unbounded preceding) as weighed
                 from kapivara.events e
                where e.stream_no = w.stream_no and e.position between w.low and w.high
                order by e.position) x) e
  join kapivara.kinds k on k.kind_no = e.kind_no
