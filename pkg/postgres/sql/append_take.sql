-- The compare and set at the head of a batch: locks the log's row and fails with KV001 when anybody else has written.
-- Everything after it in the transaction rests on it.
select kapivara.take_log($1, $2, $3, $4, $5)
