-- The store and the bus, first version.
--
-- One gapless log: an event's log position is given under the lock of the one row of kapivara.log, in commit order. So
-- `where log_position > $1 order by log_position` is a correct reader without tricks. What the services may do is in
-- ../grants.sql; what nobody may do, the owner included, is held by the triggers at the end.

create table kapivara.log (
    one      boolean primary key default true check (one),
    head     bigint not null default 0, -- the highest log position
    streams  bigint not null default 0, -- the highest stream number given
    registry bigint not null default 1, -- grows with every change of the registry
    tag      bigint not null default 0  -- drawn anew by every writing transaction: whose batch was the last
) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
insert into kapivara.log default values;

-- A kind is a pair of event type and publisher. It is named by events and never removed or changed.
create table kapivara.kinds (
    kind_no   integer generated always as identity primary key,
    type      text collate "C" not null,
    publisher text collate "C" not null,
    unique (type, publisher)
);

-- version and contiguous are a lower bound: the row is written when the stream is new, finished or completed, and each
-- time contiguous has grown by 64. The truth is the row and the positions above it in events.
create table kapivara.streams (
    stream_no  bigint primary key,
    completed  bigint, -- the log position of the event that completed it
    version    integer not null,
    contiguous integer not null,
    finish     integer,
    canary     boolean not null,
    name       text collate "C" not null
) with (fillfactor = 85);
create unique index streams_name on kapivara.streams (name);
create index streams_open on kapivara.streams (name) where completed is null;
create index streams_completed on kapivara.streams (completed) where completed is not null;

-- id: the 16 bytes of a UUID, or 0x00 and the text (and 0x00 again where that would make 16 bytes): see event_id().
-- flags: 1 final, 2 data is JSON, 4 data is binary.
-- occurred, source: as sent, null for the default. attributes: JSON members without braces, null where there are none.
create table kapivara.events (
    log_position bigint not null,
    stream_no    bigint not null,
    recorded     timestamptz not null default now(),
    position     integer not null check (position > 0),
    kind_no      integer not null,
    flags        smallint not null,
    id           bytea not null,
    occurred     text,
    source       text,
    attributes   text,
    data         bytea,
    constraint events_log primary key (log_position)
) with (autovacuum_vacuum_insert_scale_factor = 0.05);
create unique index events_id on kapivara.events (id);
create unique index events_position on kapivara.events (stream_no, position);

create table kapivara.publishers (
    name         text collate "C" primary key,
    description  text not null,
    streams      text[] not null,
    created      timestamptz not null default now(),
    log_position bigint not null
);

create table kapivara.event_types (
    type         text collate "C" primary key,
    kind_no      integer not null references kapivara.kinds,
    schema       text,
    metadata     text,
    created      timestamptz not null default now(),
    log_position bigint not null
);

-- A name that is removed and set again is a new row. behind_after and behind_until bound the log positions of which what
-- became due is still to be put into the outbox, by the mode and the filters in force when the name was set; all five are
-- null when nothing is left to gather.
create table kapivara.subscribers (
    subscriber_no  integer generated always as identity primary key,
    name           text collate "C" not null,
    description    text not null,
    system         text not null,
    types          text[] not null,
    streams        text[] not null,
    buckets        integer not null,
    canary_buckets integer not null,
    deliver        text not null,
    start          bigint, -- null: new
    ack_wait_ms    bigint not null,
    max_attempts   integer not null,
    backoff_ms     bigint[] not null,
    max_in_flight  integer not null,
    created        timestamptz not null default now(),
    log_position   bigint not null,
    removed        timestamptz,
    behind_after   bigint,
    behind_until   bigint,
    behind_deliver text,
    behind_types   text[],
    behind_streams text[],
    -- Since buckets or canary_buckets were changed: what became due in (moving_after, moving_until] is still to be placed
    -- by them. What is due up to moving_after is placed and may be leased. Null: all is placed.
    moving_after   bigint,
    moving_until   bigint,
    -- How often buckets or canary_buckets were changed: a layout that is in force again is another one.
    relaid         bigint not null default 0,
    -- It has been "appended" at some time: an earlier delivery of a stream may hold back a later one.
    grown          boolean not null default false
);
create unique index subscribers_name on kapivara.subscribers (name) where removed is null;
create index subscribers_moving on kapivara.subscribers (subscriber_no) where moving_until is not null;

-- Streams that are due and not yet leased. due is the log position of the event that completed the stream, or that let
-- its contiguous part grow, so a reader by due misses nothing. bucket: 0, 1, 2 … or -1, -2 … for canary-0, canary-1 ….
create table kapivara.outbox (
    due           bigint not null,
    stream_no     bigint not null,
    subscriber_no integer not null,
    bucket        smallint not null,
    cause         smallint not null default 1, -- 1 complete, 2 appended
    grown         integer, -- appended: the contiguous part as of due
    constraint outbox_due primary key (due, subscriber_no)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
create index outbox_bucket on kapivara.outbox (subscriber_no, bucket, due);
create index outbox_grown on kapivara.outbox (stream_no, subscriber_no, due) where cause = 2;

-- Streams that an operator has sent again and that are not yet leased. They go when nothing of the outbox does. due is the
-- log position for which the stream was chosen.
create table kapivara.replays (
    due           bigint not null,
    stream_no     bigint not null,
    subscriber_no integer not null,
    bucket        smallint not null,
    constraint replays_due primary key (subscriber_no, due)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
create index replays_bucket on kapivara.replays (subscriber_no, bucket, due);
create index replays_stream on kapivara.replays (stream_no);

-- The numbering of a bucket. It belongs to the name, so that numbers go on when a subscriber is set again.
create table kapivara.buckets (
    bucket_no        integer generated always as identity primary key,
    bucket           smallint not null,
    subscriber       text collate "C" not null,
    sent             bigint not null default 0, -- the highest number leased
    floor            bigint not null default 0, -- every number up to it is committed or has a row in retries
    version          bigint not null default 0, -- grows with every change: compare and set
    committed_number bigint,                    -- what was committed last
    committed_at     timestamptz,
    epoch            bigint not null default 0,              -- grows whenever the bucket goes to another node, or to none
    owner            text collate "C" not null default '',   -- the node that has claimed it, '' for none
    constraint buckets_name unique (subscriber, bucket)
) with (fillfactor = 50);

-- A row is the number of a delivery and the lease of its first attempt. Never changed.
create table kapivara.deliveries (
    number        bigint not null,
    stream_no     bigint not null,
    due           bigint not null,
    leased        timestamptz not null default now(),
    bucket_no     integer not null,
    subscriber_no integer not null,
    from_position integer not null,
    to_position   integer not null,
    ack_wait_ms   integer not null, -- the deadline of the first attempt is leased + ack_wait_ms
    buckets       smallint not null,
    cause         smallint not null, -- 1 complete, 2 appended, 3 replay
    constraint deliveries_number primary key (bucket_no, number)
);
create index deliveries_stream on kapivara.deliveries (stream_no);
create unique index deliveries_grown on kapivara.deliveries (subscriber_no, stream_no, from_position) where cause = 2;
create index deliveries_replayed on kapivara.deliveries (subscriber_no, stream_no) where cause = 3;

-- What is confirmed. Never changed, never removed; a second one is a unique violation.
create table kapivara.commits (
    number    bigint not null,
    committed timestamptz not null default now(),
    bucket_no integer not null,
    attempt   integer not null,
    constraint commits_number primary key (bucket_no, number)
);

-- Deliveries that have left the plain road of one lease and one commit. A commit takes the row away.
create table kapivara.retries (
    number    bigint not null,
    until     timestamptz,           -- leased: the deadline; hidden: not before; pending: null, or since when
    sent      timestamptz not null,  -- when the last attempt was leased
    bucket_no integer not null,
    attempt   integer not null,      -- the last attempt
    counted   integer not null,      -- attempts that count towards max_attempts
    state     smallint not null,     -- 1 pending, 2 leased, 3 hidden, 4 parked, 5 discarded
    answer    smallint not null,     -- what settled the last attempt: 0 nothing yet, 1 nak, 2 term; 3 nothing, and its silence counts; 4 an operator took it away; 5 nothing, and a pull has it
    reason    text not null default '',
    constraint retries_number primary key (bucket_no, number)
) with (fillfactor = 70);
create index retries_leased on kapivara.retries (bucket_no) where state = 2;
create index retries_parked on kapivara.retries (bucket_no, number) where state = 4;
create index retries_waiting on kapivara.retries (bucket_no, until nulls first, number) where state in (1, 3);

-- What is known of a subscriber's nodes.
create table kapivara.standing (
    subscriber_no integer primary key,
    listening     boolean,           -- null until something was sent
    last_answer   timestamptz,
    silent_since  timestamptz,       -- the first attempt since the last answer that nobody answered
    extra_answers bigint not null default 0
);

-- The nodes that claim buckets of a subscriber, and what they want: so many, or these (as in outbox.bucket), or all.
create table kapivara.nodes (
    subscriber_no integer not null,
    node          text collate "C" not null,
    most          integer,
    wanted        smallint[],
    until         timestamptz not null, -- the end of its ttl
    constraint nodes_name primary key (subscriber_no, node)
);

-- The dispatchers that live. A row is one run of one process: once its time is over it stays so.
create table kapivara.dispatchers (
    dispatcher_no integer generated always as identity primary key,
    name          text not null, -- for whoever looks
    until         timestamptz not null
) with (fillfactor = 10);

-- Which dispatcher works for a subscriber: for all of its buckets, so that claims, pulls and a stream's order across a
-- resize are decided in one place. Every write for the subscriber holds the epoch against this row, and the dispatcher's
-- own row against its time. dispatcher_no is 0, or of one that is no more, where nobody does.
create table kapivara.duties (
    subscriber_no integer primary key,
    dispatcher_no integer not null,
    epoch         bigint not null default 1
);

-- The key of the tokens: two version 4 UUIDs, 244 random bits.
create table kapivara.token_key (
    one boolean primary key default true check (one),
    key  bytea not null default decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
);
insert into kapivara.token_key default values;

-- take_log is the compare and set at the head of a writing transaction: it locks the log, and raises KV001 when another
-- transaction has written events or the registry since the caller's last one. It returns the time of recording.
create function kapivara.take_log(
    expected_head bigint, expected_tag bigint, expected_registry bigint, new_tag bigint, new_streams bigint
) returns timestamptz language plpgsql security definer set search_path = '' as $$
begin
    update kapivara.log set tag = new_tag, streams = streams + new_streams
     where head = expected_head and tag = expected_tag and registry = expected_registry;
    if not found then
        raise exception 'the log has moved' using errcode = 'KV001';
    end if;
    return now();
end $$;

-- lock_log locks the log until the end of the transaction. Only later statements see what others have written before.
create function kapivara.lock_log(out head bigint, out streams bigint, out registry bigint, out tag bigint)
language plpgsql security definer set search_path = '' as $$
begin
    select l.head, l.streams, l.registry, l.tag into head, streams, registry, tag from kapivara.log l for update;
end $$;

-- change_registry gives the registry its next version. The caller holds the log's lock.
create function kapivara.change_registry() returns bigint language sql security definer set search_path = '' as $$
    update kapivara.log set registry = registry + 1 returning registry;
$$;

-- extend_log moves the head over the inserted rows and raises KV002 when they are not the next log positions.
create function kapivara.extend_log() returns trigger language plpgsql security definer set search_path = '' as $$
declare
    n     bigint;
    first bigint;
    last  bigint;
begin
    select count(*), min(log_position), max(log_position) into n, first, last from inserted;
    if n = 0 then
        return null;
    end if;
    update kapivara.log set head = last where head = first - 1;
    if not found or last - first + 1 <> n then
        raise exception 'log positions % to % are not the next ones', first, last using errcode = 'KV002';
    end if;
    return null;
end $$;
create trigger extend_log after insert on kapivara.events
    referencing new table as inserted for each statement execute function kapivara.extend_log();
alter table kapivara.events enable always trigger extend_log;

-- keep refuses every change of what is kept for ever.
create function kapivara.keep() returns trigger language plpgsql set search_path = '' as $$
begin
    raise exception '% of kapivara.% is refused: it is kept for ever', lower(tg_op), tg_table_name using errcode = 'KV003';
end $$;
create trigger keep before update or delete or truncate on kapivara.events for each statement execute function kapivara.keep();
create trigger keep before update or delete or truncate on kapivara.commits for each statement execute function kapivara.keep();
create trigger keep before update or delete or truncate on kapivara.kinds for each statement execute function kapivara.keep();
create trigger keep before update or delete or truncate on kapivara.deliveries for each statement execute function kapivara.keep();
alter table kapivara.events enable always trigger keep;
alter table kapivara.commits enable always trigger keep;
alter table kapivara.kinds enable always trigger keep;
alter table kapivara.deliveries enable always trigger keep;

-- leave_committed refuses a further lease of a committed delivery.
create function kapivara.leave_committed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    if exists (select from kapivara.commits c where c.bucket_no = new.bucket_no and c.number = new.number) then
        raise exception 'the delivery is committed' using errcode = 'KV004';
    end if;
    return new;
end $$;
create trigger leave_committed before insert or update on kapivara.retries
    for each row execute function kapivara.leave_committed();
alter table kapivara.retries enable always trigger leave_committed;

-- hold_dispatch raises KV005 when the run of a dispatcher has ended, and KV007 when one of the duties is not its own. Until
-- the end of the transaction it keeps others from taking them; prolonging the run meanwhile is free. It returns the
-- database's time.
create function kapivara.hold_dispatch(run integer, held integer[], epochs bigint[])
returns timestamptz language plpgsql security definer set search_path = '' as $$
begin
    perform from kapivara.dispatchers where dispatcher_no = run and until > clock_timestamp() for key share;
    if not found then
        raise exception 'the run of the dispatcher has ended' using errcode = 'KV005';
    end if;
    if cardinality(held) <> (
        select count(*) from (
            select from kapivara.duties d
              join unnest(held, epochs) as h(subscriber_no, epoch) on h.subscriber_no = d.subscriber_no and h.epoch = d.epoch
             where d.dispatcher_no = run order by d.subscriber_no for share of d) x
    ) then
        raise exception 'another dispatcher works for the subscriber' using errcode = 'KV007';
    end if;
    return now();
end $$;

-- hold_subscriber gives a subscriber as it is set, null where there is none of the name, and keeps it so until the end of
-- the transaction.
create function kapivara.hold_subscriber(held text) returns jsonb language sql security definer set search_path = '' as $$
    select to_jsonb(s) from kapivara.subscribers s where s.name = held and s.removed is null for share;
$$;

-- expect_rows raises KV006 when a statement did not change what it had to.
create function kapivara.expect_rows(got bigint, expected bigint) returns void language plpgsql set search_path = '' as $$
begin
    if got <> expected then
        raise exception 'the bucket has changed' using errcode = 'KV006';
    end if;
end $$;

-- hold_layouts raises KV006 when the buckets of a subscriber were changed since those by which the caller has decided, when it
-- is removed, or has not placed all that is due up to the log position. It keeps them as they are until the end of the
-- transaction.
create function kapivara.hold_layouts(
    subscriber_nos integer[], relaid bigint[], up_to bigint[]
) returns void language plpgsql security definer set search_path = '' as $$
declare
    n bigint;
begin
    with held as (
        select from kapivara.subscribers s
          join unnest(subscriber_nos, hold_layouts.relaid, up_to) as c (subscriber_no, relaid, due)
            on c.subscriber_no = s.subscriber_no
         where s.removed is null and s.relaid = c.relaid and (s.moving_until is null or c.due <= s.moving_after)
           for share of s
    )
    select count(*) into n from held;
    perform kapivara.expect_rows(n, cardinality(subscriber_nos));
end $$;

-- event_id shows an id as text; log_readable the whole log, for whoever looks by SQL.
create function kapivara.event_id(id bytea) returns text language sql immutable set search_path = '' as $$
    select case when length(id) = 16 then encode(id, 'hex')::uuid::text
                else convert_from(rtrim(substr(id, 2), '\x00'::bytea), 'UTF8') end;
$$;
create view kapivara.log_readable as
select e.log_position, s.name as stream, e.position, kapivara.event_id(e.id) as id, k.type, k.publisher,
       e.flags & 1 = 1 as final, e.recorded, e.occurred, e.attributes,
       case when e.flags & 2 = 2 then convert_from(e.data, 'UTF8') else encode(e.data, 'base64') end as data
  from kapivara.events e
  join kapivara.streams s using (stream_no)
  join kapivara.kinds k using (kind_no);
