-- The subscribers, or the one named $1, with what is known of their nodes (index subscribers_name, standing's key).
select to_jsonb(u), coalesce(u.behind_after, 0), coalesce(u.behind_until, 0),
       t.listening, t.last_answer, t.silent_since, coalesce(t.extra_answers, 0)
  from kapivara.subscribers u
  left join kapivara.standing t on t.subscriber_no = u.subscriber_no
 where u.removed is null and ($1 = '' or u.name = $1)
 order by u.name
