-- Notes what is newly known of subscribers' nodes. Walks standing_pkey, locks the rows.
insert into kapivara.standing as s (subscriber_no, listening, last_answer, silent_since, extra_answers)
select c.subscriber_no, c.listening, case when c.answered then now() end, case when not c.answered then c.silent end, c.extra
  from unnest($1::integer[], $2::boolean[], $3::boolean[], $4::timestamptz[], $5::bigint[])
       as c(subscriber_no, listening, answered, silent, extra)
on conflict (subscriber_no) do update
   set listening = coalesce(excluded.listening, s.listening),
       last_answer = coalesce(excluded.last_answer, s.last_answer),
       silent_since = case when excluded.last_answer is null then coalesce(s.silent_since, excluded.silent_since) end,
       extra_answers = s.extra_answers + excluded.extra_answers
