-- Writes nodes down until $5 microseconds from now; a subscriber that is removed gets none. Walks nodes_name and
-- subscribers_pkey, locks the nodes. $1 subscribers, $2 nodes, $3 most or null, $4 wanted: buckets parted by commas, or null.
insert into kapivara.nodes as n (subscriber_no, node, most, wanted, until)
select c.subscriber_no, c.node, c.most, string_to_array(c.wanted, ',')::smallint[], now() + c.ttl * interval '1 microsecond'
  from unnest($1::integer[], $2::text[], $3::integer[], $4::text[], $5::bigint[]) as c(subscriber_no, node, most, wanted, ttl)
  join kapivara.subscribers s on s.subscriber_no = c.subscriber_no and s.removed is null
on conflict on constraint nodes_name do update set most = excluded.most, wanted = excluded.wanted, until = excluded.until
