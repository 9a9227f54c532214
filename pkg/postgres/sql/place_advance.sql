-- Notes up to where a subscriber ($1) is placed: what is due up to there may be leased. Waits for
-- whoever holds its row; whoever wants to hold it waits for the end of the transaction.
update kapivara.subscribers set moving_after = $2 where subscriber_no = $1
