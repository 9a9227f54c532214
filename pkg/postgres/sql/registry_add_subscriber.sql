-- Creates a subscriber. Where streams have been completed after its start ($13) and up to the log's head ($14), they are
-- its backlog. Walks streams_completed for one row. The caller holds the log's lock, so a stream is either completed by
-- now and part of the backlog, or its append will know the subscriber.
with due as (
    select exists (
        select from kapivara.streams where completed > $13::bigint and completed <= $14::bigint
    ) as any
)
insert into kapivara.subscribers (name, description, system, types, streams, buckets, canary_buckets, deliver,
       ack_wait_ms, max_attempts, backoff_ms, max_in_flight, start, log_position,
       behind_after, behind_until, behind_types, behind_streams)
select $1, $2, $3, $4::text[], $5::text[], $6, $7, $8, $9, $10, $11, $12, $13, $14,
       case when due.any then $13::bigint end, case when due.any then $14::bigint end,
       case when due.any then $4::text[] end, case when due.any then $5::text[] end
  from due
returning subscriber_no, created, behind_after is not null
