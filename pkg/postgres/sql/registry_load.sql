-- The registry of one version: one statement, so one snapshot, and every change of these tables changes the version in
-- the same transaction. Reads each table whole; takes no lock.
select 'version' as what, to_json(registry)::text as record from kapivara.log
union all
select 'publisher', to_json(p)::text from kapivara.publishers p
union all
select 'type', json_build_object('type', t.type, 'kind_no', t.kind_no, 'publisher', k.publisher, 'schema', t.schema,
           'metadata', t.metadata, 'created', t.created, 'log_position', t.log_position)::text
  from kapivara.event_types t join kapivara.kinds k using (kind_no)
union all
select 'subscriber', to_json(s)::text from kapivara.subscribers s where s.removed is null
