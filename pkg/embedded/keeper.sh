# The parent of a private PostgreSQL server. It outlives the process that started it by as long as the server needs
# to stop, whatever that process died of: the kernel closes the pipe on fd 3, and that is the signal.
#
# usage: sh -c <this> keeper <grace in seconds> <postgres> <arguments...>
# fd 3: the read end of the pipe; end of file or any line means stop.
# fd 4: the lock of the folder; the server inherits it, so the folder is free when the last server process is gone.
# fd 5: the folder of the cluster, where the server's user can get there by no path.
trap '' HUP INT TERM QUIT
grace=$1
shift
"$@" 3<&- </dev/null &
server=$!
(
    read -r _ <&3
    kill -INT "$server" 2>/dev/null || exit 0 # fast shutdown: sessions end, the log is flushed
    while [ "$grace" -gt 0 ] && kill -0 "$server" 2>/dev/null; do
        sleep 1
        grace=$((grace - 1))
    done
    kill -QUIT "$server" 2>/dev/null # immediate: the next start replays the log, nothing is lost
) 4<&- </dev/null &
watcher=$!
wait "$server"
code=$?
kill -KILL "$watcher" 2>/dev/null
exit "$code"
