-- The nodes that claim buckets of subscribers (nodes_name).
select n.subscriber_no, n.node, coalesce(n.most, 0), n.wanted, n.until from kapivara.nodes n where n.subscriber_no = any($1)
