-- The subscribers whose buckets were changed and that have streams yet to be placed. Walks subscribers_moving.
select subscriber_no from kapivara.subscribers where moving_until is not null and removed is null order by subscriber_no limit 100
