-- Creates a subscriber. Where something has become due after its start ($13) and up to the log's head ($14), it is its
-- backlog: by the completion of a stream (walks streams_completed for one row), or by an event, which may have let one
-- grow. The caller holds the log's lock, so a stream is either due by now and part of the backlog, or its append will know
-- the subscriber.
with due as (
    select case $8::text when 'appended' then $13::bigint < $14::bigint else exists (
        select from kapivara.streams where completed > $13::bigint and completed <= $14::bigint
    ) end as any
)
insert into kapivara.subscribers (name, description, system, types, streams, buckets, canary_buckets, deliver,
       ack_wait_ms, max_attempts, backoff_ms, max_in_flight, start, log_position, grown,
       behind_after, behind_until, behind_deliver, behind_types, behind_streams)
select $1, $2, $3, $4::text[], $5::text[], $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
       case when due.any then $13::bigint end, case when due.any then $14::bigint end, case when due.any then $8::text end,
       case when due.any then $4::text[] end, case when due.any then $5::text[] end
  from due
returning subscriber_no, created, behind_after is not null
