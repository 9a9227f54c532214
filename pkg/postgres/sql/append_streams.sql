-- New streams. Fails with 23505 on streams_name where one of them is there already.
copy kapivara.streams (stream_no, completed, version, contiguous, finish, canary, name) from stdin with (format binary)
