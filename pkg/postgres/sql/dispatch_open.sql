-- Makes the rows of buckets that have none (buckets_name).
insert into kapivara.buckets (subscriber, bucket)
select * from unnest($1::text[], $2::smallint[]) on conflict on constraint buckets_name do nothing
