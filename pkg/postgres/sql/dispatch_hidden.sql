-- What is hidden or pending in some buckets, by its time (retries_waiting, deliveries_number, streams_pkey). The first
-- column is the place of the bucket among the questions. $1 buckets, $2 most rows of each.
select l.n, {numbered}
  from unnest($1::integer[], $2::integer[]) with ordinality as l(bucket_no, most, n)
 cross join lateral (select * from kapivara.retries h
                      where h.bucket_no = l.bucket_no and h.state in (1, 3)
                      order by h.until nulls first, h.number limit l.most) r
  join kapivara.deliveries d on d.bucket_no = r.bucket_no and d.number = r.number
  join kapivara.streams s on s.stream_no = d.stream_no
  left join kapivara.commits c on c.bucket_no = d.bucket_no and c.number = d.number
