-- The roles of the services, made once a cluster and safe to run again. They can log in where the administrator gives
-- them a password or another way in; a login that is a member of one takes it on by itself.
do $$
declare
    name text;
begin
    foreach name in array array['kapivara_writer', 'kapivara_reader', 'kapivara_dispatcher'] loop
        begin
            execute format('create role %I login noinherit', name);
        exception when duplicate_object or unique_violation then
            null;
        end;
    end loop;
end $$;
create schema if not exists kapivara;
