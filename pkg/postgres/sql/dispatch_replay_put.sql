-- Notes streams to be sent again to a subscriber ($1), whose row is held: its buckets are those by which they are placed.
-- A second one for the same log position is a unique violation (replays_due).
insert into kapivara.replays (due, stream_no, subscriber_no, bucket)
select d.due, d.stream_no, $1, d.bucket
  from unnest($2::bigint[], $3::bigint[], $4::smallint[]) as d (due, stream_no, bucket)
