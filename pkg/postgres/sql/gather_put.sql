-- Puts streams into the outbox of a subscriber ($1). Its row is locked, so nobody else gathers for it.
insert into kapivara.outbox (due, stream_no, subscriber_no, bucket, cause, grown)
select d.due, d.stream_no, $1, d.bucket, d.cause, d.grown
  from unnest($2::bigint[], $3::bigint[], $4::smallint[], $5::smallint[], $6::integer[]) as d (due, stream_no, bucket, cause, grown)
