-- Takes the rows of committed deliveries from those that left the plain road. Walks retries_number, locks the rows.
delete from kapivara.retries r
 using unnest($1::integer[], $2::bigint[]) as c(bucket_no, number)
 where r.bucket_no = c.bucket_no and r.number = c.number
