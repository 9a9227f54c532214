-- One subscriber with a backlog, locked until the transaction ends; another writer takes another one. Reads the whole
-- table of subscribers.
select subscriber_no, name, buckets, canary_buckets, behind_after, behind_until, behind_deliver, behind_types, behind_streams
  from kapivara.subscribers
 where behind_after is not null and removed is null
 order by subscriber_no
 limit 1
   for update skip locked
