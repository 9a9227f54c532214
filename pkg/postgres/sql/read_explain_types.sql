-- The event types of a stream, each with the first position that has it (indexes events_position, kinds_pkey). It looks at
-- every event of the stream, in at most 64 stretches: grouping one is a sort of what it holds, and a sort of all took
-- longer than reading. $1 the stream's number, $2 its version.
select k.type, min(n.position)
  from (select c.kind_no, min(c.position) as position
          from generate_series(0, $2::bigint, greatest($2::bigint / 64 + 1, 1000)) as x (after)
         cross join lateral (
            select e.kind_no, min(e.position) as position
              from kapivara.events e
             where e.stream_no = $1 and e.position > x.after and e.position <= x.after + greatest($2::bigint / 64 + 1, 1000)
             group by e.kind_no offset 0) c
         group by c.kind_no) n
  join kapivara.kinds k on k.kind_no = n.kind_no
 group by k.type
 order by 2
