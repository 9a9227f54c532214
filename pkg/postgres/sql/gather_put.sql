-- Puts streams into the outbox of a subscriber ($1). Its row is locked, so nobody else gathers for it.
insert into kapivara.outbox (due, stream_no, subscriber_no, bucket)
select d.due, d.stream_no, $1, d.bucket
  from unnest($2::bigint[], $3::bigint[], $4::smallint[]) as d (due, stream_no, bucket)
