-- What has become due, in the transaction of the events that made it so.
copy kapivara.outbox (due, stream_no, subscriber_no, bucket, cause, grown) from stdin with (format binary)
