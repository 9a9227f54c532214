-- What each service may do, run after every migration: all is taken away first, so this file says all there is.
-- No service may change or remove events, commits, kinds or deliveries, nor write the log's row but by its functions.
revoke all on schema kapivara from public, kapivara_writer, kapivara_reader, kapivara_dispatcher;
revoke all on all tables in schema kapivara from public, kapivara_writer, kapivara_reader, kapivara_dispatcher;
revoke all on all functions in schema kapivara from public, kapivara_writer, kapivara_reader, kapivara_dispatcher;
revoke all on all sequences in schema kapivara from public, kapivara_writer, kapivara_reader, kapivara_dispatcher;
grant usage on schema kapivara to kapivara_writer, kapivara_reader, kapivara_dispatcher;
grant select on kapivara.migrations, kapivara.log to kapivara_writer, kapivara_reader, kapivara_dispatcher;

-- writer: appends, the registry, and what is due.
grant execute on function kapivara.take_log, kapivara.lock_log, kapivara.change_registry to kapivara_writer;
grant select, insert on kapivara.events, kapivara.kinds to kapivara_writer;
grant select, insert on kapivara.streams to kapivara_writer;
grant update (completed, version, contiguous, finish) on kapivara.streams to kapivara_writer;
grant select, insert, update, delete on kapivara.publishers, kapivara.event_types to kapivara_writer;
grant select, insert, update on kapivara.subscribers to kapivara_writer;
grant insert on kapivara.outbox to kapivara_writer;
-- … and the end of a subscriber that is removed.
grant select, delete, update (bucket) on kapivara.outbox, kapivara.replays to kapivara_writer;
grant select, delete on kapivara.nodes to kapivara_writer;
grant select on kapivara.deliveries, kapivara.commits to kapivara_writer;
grant select, update (version, owner, epoch) on kapivara.buckets to kapivara_writer;
grant select, insert, update on kapivara.retries to kapivara_writer;

-- reader: looks at everything but the key of the tokens.
grant select on kapivara.events, kapivara.kinds, kapivara.streams, kapivara.publishers, kapivara.event_types,
    kapivara.subscribers, kapivara.outbox, kapivara.buckets, kapivara.deliveries, kapivara.commits, kapivara.retries,
    kapivara.standing, kapivara.replays, kapivara.nodes, kapivara.dispatchers, kapivara.duties, kapivara.log_readable to kapivara_reader;
grant execute on function kapivara.event_id to kapivara_reader;

-- dispatcher: takes from the outbox, leases, settles.
grant execute on function kapivara.hold_dispatch, kapivara.hold_subscriber, kapivara.hold_layouts, kapivara.expect_rows to kapivara_dispatcher;
grant select on kapivara.events, kapivara.kinds, kapivara.streams, kapivara.subscribers, kapivara.token_key to kapivara_dispatcher;
grant select, delete on kapivara.outbox to kapivara_dispatcher;
grant select, insert, update on kapivara.buckets, kapivara.standing to kapivara_dispatcher;
grant select, insert on kapivara.deliveries, kapivara.commits to kapivara_dispatcher;
grant select, insert, update, delete on kapivara.retries to kapivara_dispatcher;
grant select, insert, delete on kapivara.replays to kapivara_dispatcher;
grant select, insert, update, delete on kapivara.nodes, kapivara.dispatchers, kapivara.duties to kapivara_dispatcher;
