-- Gives the registry its next version: every append compares it. The caller holds the log's lock.
select kapivara.change_registry()
