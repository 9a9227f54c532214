-- Gives each type ($1) of the publisher ($2) its kind, where it has none from an earlier time. Walks the unique index of
-- kinds. The caller holds the log's lock, so nobody else adds kinds meanwhile and no number is drawn in vain.
insert into kapivara.kinds (type, publisher)
select t.type, $2 from unnest($1::text[]) as t (type)
 where not exists (select from kapivara.kinds k where k.type = t.type and k.publisher = $2)
