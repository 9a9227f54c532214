-- Discards the deliveries of a subscriber's buckets that are leased for the first time: those above the floor without a
-- commit or a row in retries. Walks buckets_name, deliveries_number, commits_number and retries_number. The caller has
-- locked the buckets.
insert into kapivara.retries (bucket_no, number, sent, attempt, counted, state, answer, reason)
select d.bucket_no, d.number, d.leased, 1, 1, 5, 0, 'subscriber removed'
  from kapivara.buckets b
  join kapivara.deliveries d on d.bucket_no = b.bucket_no and d.number > b.floor
 where b.subscriber = $1
   and not exists (select from kapivara.commits c where c.bucket_no = d.bucket_no and c.number = d.number)
   and not exists (select from kapivara.retries r where r.bucket_no = d.bucket_no and r.number = d.number)
