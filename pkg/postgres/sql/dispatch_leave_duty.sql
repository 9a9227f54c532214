-- Ends the duty of an epoch. Locks the one row.
update kapivara.dispatcher_lease set until = '-infinity' where epoch = $1
