-- Settles deliveries for ever; a second commit of one is a unique violation (commits_number).
insert into kapivara.commits (bucket_no, number, attempt)
select * from unnest($1::integer[], $2::bigint[], $3::integer[])
