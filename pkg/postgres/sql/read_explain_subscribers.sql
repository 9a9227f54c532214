-- The subscribers, or the one named $1, with what is known of their nodes and of who works for them (index
-- subscribers_name, the keys of standing, duties and dispatchers).
select to_jsonb(u), coalesce(u.behind_after, 0), coalesce(u.behind_until, 0), u.moving_until is not null,
       exists (select from kapivara.duties d join kapivara.dispatchers l on l.dispatcher_no = d.dispatcher_no
                where d.subscriber_no = u.subscriber_no and l.until > now()),
       t.listening, t.last_answer, t.silent_since, coalesce(t.extra_answers, 0)
  from kapivara.subscribers u
  left join kapivara.standing t on t.subscriber_no = u.subscriber_no
 where u.removed is null and ($1 = '' or u.name = $1)
 order by u.name
