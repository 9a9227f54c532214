-- The log after (backward: below) a log position, without filters (index events_log). Log positions are given in commit
-- order without gaps, so nothing can be committed below what a page has shown.
-- $1 log position, $2 most rows, $3 most weight, as in read_stream.sql. {after} is ">" or, backward, "<".
select {event}, {name}
  from (select e.*, sum({weight}) over walk - {weight} as before
          from kapivara.events e
         where e.log_position {after} $1
        window walk as (order by e.log_position {desc} rows unbounded preceding)
         order by e.log_position {desc}
         limit $2) e
 where e.before < $3
 order by e.log_position {desc}
