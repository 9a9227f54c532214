-- Numbers deliveries, which is the lease of their first attempt. The numbers are those after the bucket's sent, so a
-- second delivery of one number is a unique violation (deliveries_number).
insert into kapivara.deliveries
    (bucket_no, number, due, stream_no, subscriber_no, from_position, to_position, ack_wait_ms, buckets, cause)
select * from unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[], $5::integer[], $6::integer[], $7::integer[],
                     $8::integer[], $9::smallint[], $10::smallint[])
