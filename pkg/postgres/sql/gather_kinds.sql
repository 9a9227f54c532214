-- Every kind with its event type. Reads the whole table.
select kind_no, type from kapivara.kinds
