-- The log after (backward: below) a log position, without filters, and its head, of one snapshot (index events_log).
-- Log positions are given in commit order without gaps, so nothing can be committed below what a page has shown.
-- $1 log position, $2 most rows, $3 most weight, as in read_stream.sql. {after} is ">" or, backward, "<".
with l as materialized (
    select head from kapivara.log
), page as (
    select w.*
      from (select e.*, row_number() over walk as n, sum({weight}) over walk - {weight} as before
              from kapivara.events e
             where e.log_position {after} $1
            window walk as (order by e.log_position {desc} rows unbounded preceding)
             order by e.log_position {desc}
             limit $2) w
     where w.before < $3
)
select l.head, e.n is not null, s.name, {event}
  from l
  left join page e on true
  left join kapivara.streams s on s.stream_no = e.stream_no
  left join kapivara.kinds k on k.kind_no = e.kind_no
 order by e.n
