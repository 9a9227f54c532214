-- What has become due behind a mark, for all subscribers (outbox_due, streams_pkey). Rows come in with the log, in commit
-- order, so nothing is skipped; those gathered for a new subscriber stand before the mark and are found by bucket.
select 0, o.due, o.subscriber_no, o.bucket, {waiting}
  from (select * from kapivara.outbox where (due, subscriber_no) > ($1::bigint, $2::integer)
         order by due, subscriber_no limit $3) o
  join kapivara.streams s on s.stream_no = o.stream_no
