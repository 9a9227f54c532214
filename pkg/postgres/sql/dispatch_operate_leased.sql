-- What is leased of a subscriber, bucket by bucket: in retries, or above the floor and neither there nor committed
-- (buckets_name, retries_leased, deliveries_number, commits_number, retries_number). Parameters as in
-- dispatch_operate_state.sql; $3 is the state leased.
select {numbered}
  from kapivara.buckets b
 cross join lateral (
       select x.number
         from (select h.number from kapivara.retries h where h.bucket_no = b.bucket_no and h.state = 2
                union all
               select f.number from kapivara.deliveries f
                where f.bucket_no = b.bucket_no and f.number > b.floor
                  and not exists (select from kapivara.commits n where n.bucket_no = f.bucket_no and n.number = f.number)
                  and not exists (select from kapivara.retries n where n.bucket_no = f.bucket_no and n.number = f.number)) x
        where x.number > case when b.bucket_no = $4 then $5::bigint else 0 end
        order by x.number limit $6) l
  join kapivara.deliveries d on d.bucket_no = b.bucket_no and d.number = l.number
  join kapivara.streams s on s.stream_no = d.stream_no
  left join kapivara.commits c on c.bucket_no = d.bucket_no and c.number = d.number
  left join kapivara.retries r on r.bucket_no = d.bucket_no and r.number = d.number
 where b.subscriber = $1 and b.bucket_no >= $4::integer and ($2::smallint is null or b.bucket = $2) and $3::smallint = 2
 order by d.bucket_no, d.number limit $6
