-- The subscribers that are set, but for those whose streams are still being gathered.
select to_jsonb(s) from kapivara.subscribers s where s.removed is null and s.behind_after is null
