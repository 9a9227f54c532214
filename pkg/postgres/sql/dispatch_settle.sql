-- Writes where deliveries stand that are neither on their first lease nor committed. Walks retries_number, locks the
-- rows; KV004 where one is committed. $3 is microseconds from now to the deadline or to the end of hiding, null for none.
insert into kapivara.retries as r (bucket_no, number, until, sent, attempt, counted, state, answer, reason)
select c.bucket_no, c.number, now() + c.after * interval '1 microsecond', c.sent, c.attempt, c.counted, c.state, c.answer, c.reason
  from unnest($1::integer[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::integer[], $6::integer[], $7::smallint[],
              $8::smallint[], $9::text[]) as c(bucket_no, number, after, sent, attempt, counted, state, answer, reason)
on conflict on constraint retries_number do update
   set until = excluded.until, sent = excluded.sent, attempt = excluded.attempt, counted = excluded.counted,
       state = excluded.state, answer = excluded.answer, reason = excluded.reason
