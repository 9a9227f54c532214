-- Holds the buckets by which leases were decided; KV006 where a subscriber's were changed since, it is removed, or has not
-- placed all that is due up to what is leased. Walks subscribers_pkey, locks the rows against changes of the registry,
-- before the buckets are locked. $1 subscribers, $2 how often their buckets had been changed, $3 the highest log position leased.
select kapivara.hold_layouts($1, $2, $3)
