-- Notes how far a backlog has been gathered.
update kapivara.subscribers set behind_after = $2 where subscriber_no = $1
