-- The first statement of every change: locks the log until the transaction ends. Only later statements see what others
-- have written before.
select head, registry from kapivara.lock_log()
