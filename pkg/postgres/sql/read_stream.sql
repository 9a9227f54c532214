-- A page of one stream and the stream's head, of one snapshot (indexes streams_name, events_position).
-- $1 name, $2 and $3 lowest and highest position, $4 and $5 bounds of the time of recording or null, $6 most rows,
-- $7 most weight: rows are given until their weight has reached it, so at least one. Where no row fits, one without an
-- event carries the head. {desc} is "desc" for a page backward.
with s as materialized (
    select stream_no, contiguous, finish, canary from kapivara.streams where name = $1
), page as (
    select w.*
      from (select e.*, row_number() over walk as n, sum({weight}) over walk - {weight} as before
              from kapivara.events e
             where e.stream_no = (select stream_no from s) and e.position between $2 and $3
               and ($4::timestamptz is null or e.recorded >= $4) and ($5::timestamptz is null or e.recorded <= $5)
            window walk as (order by e.position {desc} rows unbounded preceding)
             order by e.position {desc}
             limit $6) w
     where w.before < $7
)
select {event}, h.version, h.contiguous, coalesce(s.finish, 0), s.canary,
       case when coalesce(e.n, 1) = 1 then h.low end, case when coalesce(e.n, 1) = 1 then h.high end
  from s
 {head}
  left join page e on true
 order by e.n
