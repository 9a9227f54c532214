-- Strikes nodes out. Walks nodes_name, locks the rows. $1 subscribers, $2 nodes.
delete from kapivara.nodes n using unnest($1::integer[], $2::text[]) as c(subscriber_no, node)
 where n.subscriber_no = c.subscriber_no and n.node = c.node
