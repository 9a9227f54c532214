-- Ends a run, and with it all of its duties (dispatchers_pkey). Waits for no turn: whoever takes the duties does.
update kapivara.dispatchers set until = '-infinity' where dispatcher_no = $1
