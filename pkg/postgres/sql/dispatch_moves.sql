-- Up to where the streams of subscribers whose buckets were changed are placed. Walks subscribers_moving.
select subscriber_no, moving_after, moving_until from kapivara.subscribers where moving_until is not null and removed is null
