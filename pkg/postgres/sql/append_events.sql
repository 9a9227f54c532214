-- Events in log order. Fails with 23505 on events_id or events_position where one is there already, and with KV002 when
-- the log positions are not the next ones. The time of recording is the transaction's.
copy kapivara.events (log_position, stream_no, position, kind_no, flags, id, occurred, source, attributes, data)
from stdin with (format binary)
