-- Strikes out the nodes of a subscriber. Walks nodes_name.
delete from kapivara.nodes where subscriber_no = $1
