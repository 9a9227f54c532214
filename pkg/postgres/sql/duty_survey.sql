-- Who works for whom: the number of subscribers, the dispatchers that live and how many duties each has, the duties of $1,
-- and up to $2 subscribers for whom nobody works. Reads all duties, of which there are as many as subscribers.
with living as materialized (
    select dispatcher_no from kapivara.dispatchers where until > clock_timestamp()
), held as materialized (
    select s.subscriber_no, l.dispatcher_no, d.epoch
      from kapivara.subscribers s
      left join kapivara.duties d on d.subscriber_no = s.subscriber_no
      left join living l on l.dispatcher_no = d.dispatcher_no
     where s.removed is null
), loads as (
    select l.dispatcher_no, count(h.subscriber_no) as duties
      from living l left join held h on h.dispatcher_no = l.dispatcher_no group by l.dispatcher_no
), mine as (
    select subscriber_no, epoch from held where dispatcher_no = $1
)
select (select count(*) from held),
       array(select dispatcher_no from loads order by dispatcher_no), array(select duties from loads order by dispatcher_no),
       array(select subscriber_no from mine order by subscriber_no), array(select epoch from mine order by subscriber_no),
       array(select subscriber_no from held where dispatcher_no is null order by subscriber_no limit $2)
