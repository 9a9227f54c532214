-- Gives duties of the run $1 up, for whoever takes them. The rows stay: their epochs go on (duties_pkey). Waits for turns
-- that hold them.
update kapivara.duties set dispatcher_no = 0 where dispatcher_no = $1 and subscriber_no = any($2::integer[])
