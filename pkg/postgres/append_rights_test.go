package postgres_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"kapivara/tests/kit"
	"kapivara/tests/stores"
)

// The roles that reach the store, and the superuser who owns it.
var everybody = []string{"kapivara_writer", "kapivara_reader", "kapivara_dispatcher", "owner"}

// connectAs opens a session of a role; owner is whom the URL names.
func connectAs(t *testing.T, pgURL, role string) *pgx.Conn {
	t.Helper()
	u, err := url.Parse(pgURL)
	if err != nil {
		t.Fatal(err)
	}
	if role != "owner" {
		u.User = url.User(role)
	}
	conn, err := pgx.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// filledStore has two events, a delivery and its commit.
func filledStore(t *testing.T) (pgURL string) {
	t.Helper()
	pgURL = kit.Postgres(t)
	w := appendWriter(t, stores.PostgresLog(t, pgURL, true))
	for _, id := range []string{"a", "b"} {
		if got := w.send(appendOf("S", id)); got.err != nil {
			t.Fatal(got.err)
		}
	}
	owner := connectAs(t, pgURL, "owner")
	for _, sql := range []string{
		"insert into kapivara.deliveries (number, stream_no, due, bucket_no, subscriber_no, from_position, to_position, ack_wait_ms, buckets, cause) values (1, 1, 2, 1, 1, 1, 2, 1000, 8, 1)",
		"insert into kapivara.commits (number, bucket_no, attempt) values (1, 1, 1)",
	} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return pgURL
}

// fingerprint shows the rows of what is kept for ever, and the log's head.
func fingerprint(t *testing.T, pgURL string) string {
	t.Helper()
	var got string
	err := connectAs(t, pgURL, "owner").QueryRow(t.Context(), `select
		(select string_agg(e::text, ';' order by e.log_position) from kapivara.events e) || '|' ||
		(select string_agg(c::text, ';' order by c::text) from kapivara.commits c) || '|' ||
		(select string_agg(k::text, ';' order by k.kind_no) from kapivara.kinds k) || '|' ||
		(select string_agg(d::text, ';' order by d::text) from kapivara.deliveries d) || '|' ||
		(select head::text from kapivara.log)`).Scan(&got)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// I-09: no service role, and not even the owner, can update, delete or truncate events or commits.
func TestNobodyChangesWhatIsKept(t *testing.T) {
	t.Parallel()
	pgURL := filledStore(t)
	before := fingerprint(t, pgURL)
	column := map[string]string{"events": "position", "commits": "attempt", "kinds": "publisher", "deliveries": "to_position"}
	for _, role := range everybody {
		conn := connectAs(t, pgURL, role)
		for table, column := range column {
			for _, sql := range []string{
				"update kapivara.%[1]s set %[2]s = %[2]s",
				"update only kapivara.%[1]s set %[2]s = %[2]s where false",
				"delete from kapivara.%[1]s",
				"delete from kapivara.%[1]s where false",
				"truncate kapivara.%[1]s",
				"truncate kapivara.%[1]s cascade",
				"merge into kapivara.%[1]s x using (select 1) y on true when matched then delete",
				"with gone as (delete from kapivara.%[1]s returning 1) select count(*) from gone",
			} {
				wantRefused(t, role, conn, fmt.Sprintf(sql, table, column))
			}
		}
		if role != "owner" {
			for _, sql := range []string{
				"update kapivara.log set head = head + 1", "update kapivara.log set tag = 0", "delete from kapivara.log",
				"alter table kapivara.events disable trigger all", "drop trigger keep on kapivara.events",
				"set session_replication_role = replica", "create table kapivara.mine ()", "drop table kapivara.events",
			} {
				wantRefused(t, role, conn, sql)
			}
		}
	}
	if after := fingerprint(t, pgURL); after != before {
		t.Errorf("before: %s\nafter:  %s", before, after)
	}
}

// The triggers stay in force where a session switches off the ordinary ones, as replication does.
func TestTheTriggersHoldASessionOfReplicationToo(t *testing.T) {
	t.Parallel()
	pgURL := filledStore(t)
	conn := connectAs(t, pgURL, "owner")
	if _, err := conn.Exec(t.Context(), "set session_replication_role = replica"); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, "owner", conn, "update kapivara.events set position = 9")
	wantRefused(t, "owner", conn, "delete from kapivara.commits")
	wantRefused(t, "owner", conn, insertEvent(7))
}

func wantRefused(t *testing.T, role string, conn *pgx.Conn, sql string) {
	t.Helper()
	_, err := conn.Exec(t.Context(), sql)
	// No right; a trigger of ours; a constraint; and 0A000, a truncate beneath a foreign key.
	if !slices.Contains([]string{"42501", "KV002", "KV003", "23505", "0A000"}, stateOf(err)) {
		t.Errorf("%s: %s: got %v, want a refusal", role, sql, err)
	}
}

func insertEvent(positions ...int64) string {
	var rows []string
	for i, p := range positions {
		rows = append(rows, fmt.Sprintf(`(%d, 1, %d, 1, 0, '\x00'::bytea || 'id %d')`, p, 1000+10*len(positions)+i, p))
	}
	return "insert into kapivara.events (log_position, stream_no, position, kind_no, flags, id) values " + strings.Join(rows, ", ")
}

// I-09: whoever may insert events can store no log position but the next, and the head moves with them.
func TestOnlyTheNextLogPositionIsTaken(t *testing.T) {
	t.Parallel()
	pgURL := filledStore(t) // log positions 1 and 2
	for _, role := range everybody {
		conn := connectAs(t, pgURL, role)
		for _, sql := range []string{
			insertEvent(4), insertEvent(1), insertEvent(2), insertEvent(0), insertEvent(-1), insertEvent(9223372036854775807),
			insertEvent(3, 5), insertEvent(4, 5), insertEvent(2, 3),
			strings.Replace(insertEvent(4), "values", "overriding system value values", 1),
			strings.Replace(insertEvent(4), "values", "overriding user value values", 1),
			insertEvent(4) + " on conflict do nothing",
		} {
			wantRefused(t, role, conn, sql)
		}
		for _, rows := range []string{"4\t1\t4\t1\t0\t\\\\x0004\n", "3\t1\t3\t1\t0\t\\\\x0003\n5\t1\t5\t1\t0\t\\\\x0005\n", "0\t1\t9\t1\t0\t\\\\x0009\n"} {
			_, err := conn.PgConn().CopyFrom(t.Context(), strings.NewReader(rows),
				"copy kapivara.events (log_position, stream_no, position, kind_no, flags, id) from stdin")
			if state := stateOf(err); state != "KV002" && state != "42501" {
				t.Errorf("%s: copy %q: got %v, want a refusal", role, rows, err)
			}
		}
	}
	writer := connectAs(t, pgURL, "kapivara_writer")
	for _, positions := range [][]int64{{3}, {6, 4, 5}} {
		if _, err := writer.Exec(t.Context(), insertEvent(positions...)); err != nil {
			t.Errorf("the next positions %v: %v", positions, err)
		}
	}
	var head int64
	if err := writer.QueryRow(t.Context(), "select head from kapivara.log").Scan(&head); err != nil || head != 6 {
		t.Errorf("the head is %d, %v; want 6", head, err)
	}
}

// Of two transactions that would take the same next position one waits, and is refused.
func TestTheNextLogPositionIsTakenOnce(t *testing.T) {
	t.Parallel()
	pgURL := filledStore(t)
	first, second := connectAs(t, pgURL, "kapivara_writer"), connectAs(t, pgURL, "kapivara_writer")
	tx, err := first.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), insertEvent(3)); err != nil {
		t.Fatal(err)
	}
	late := make(chan error, 1)
	go func() {
		_, err := second.Exec(context.Background(), strings.Replace(insertEvent(3), "'id", "'another id", 1))
		late <- err
	}()
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-late; stateOf(err) != "23505" && stateOf(err) != "KV002" {
		t.Errorf("the second: %v, want a refusal", err)
	}
}

// What each role may do with each table, and nothing else. A new right is written here too, with its reason in grants.sql.
func TestEachRoleHasItsRightsAndNoMore(t *testing.T) {
	t.Parallel()
	owner := connectAs(t, kit.Postgres(t), "owner")
	got := map[string]string{}
	rows, err := owner.Query(t.Context(), `
		select a.grantee::regrole::text, c.relname, string_agg(a.privilege_type, ' ' order by a.privilege_type)
		  from pg_class c, aclexplode(c.relacl) a
		 where c.relnamespace = 'kapivara'::regnamespace and a.grantee <> c.relowner group by 1, 2`)
	if err != nil {
		t.Fatal(err)
	}
	var role, table, rights string
	if _, err := pgx.ForEachRow(rows, []any{&role, &table, &rights}, func() error {
		got[role+" "+table] = rights
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	const w, r, d = "kapivara_writer ", "kapivara_reader ", "kapivara_dispatcher "
	want := map[string]string{
		w + "migrations": "SELECT", w + "log": "SELECT", w + "events": "INSERT SELECT", w + "kinds": "INSERT SELECT",
		w + "streams": "INSERT SELECT", w + "publishers": "DELETE INSERT SELECT UPDATE", w + "event_types": "DELETE INSERT SELECT UPDATE",
		w + "subscribers": "INSERT SELECT UPDATE", w + "outbox": "DELETE INSERT SELECT", w + "deliveries": "SELECT",
		w + "commits": "SELECT", w + "buckets": "SELECT", w + "retries": "INSERT SELECT UPDATE",
		w + "replays": "DELETE SELECT", w + "nodes": "DELETE SELECT",
		d + "migrations": "SELECT", d + "log": "SELECT", d + "events": "SELECT", d + "kinds": "SELECT", d + "streams": "SELECT",
		d + "subscribers": "SELECT", d + "token_key": "SELECT", d + "outbox": "DELETE SELECT", d + "buckets": "INSERT SELECT UPDATE",
		d + "standing": "INSERT SELECT UPDATE", d + "deliveries": "INSERT SELECT", d + "commits": "INSERT SELECT",
		d + "retries": "DELETE INSERT SELECT UPDATE",
		d + "replays": "DELETE INSERT SELECT", d + "nodes": "DELETE INSERT SELECT UPDATE",
		d + "dispatchers": "DELETE INSERT SELECT UPDATE", d + "duties": "DELETE INSERT SELECT UPDATE",
	}
	for _, table := range []string{
		"migrations", "log", "events", "kinds", "streams", "publishers", "event_types", "subscribers", "outbox", "buckets",
		"deliveries", "commits", "retries", "standing", "replays", "nodes", "dispatchers", "duties", "log_readable",
	} {
		want[r+table] = "SELECT"
	}
	for key := range got {
		if got[key] != want[key] {
			t.Errorf("%s: %s, want %q", key, got[key], want[key])
		}
	}
	for key := range want {
		if got[key] == "" {
			t.Errorf("%s: nothing, want %s", key, want[key])
		}
	}
	for key, columns := range map[string][]string{
		w + "streams": {"completed", "contiguous", "finish", "version"}, w + "buckets": {"epoch", "owner", "version"},
		w + "outbox": {"bucket"}, w + "replays": {"bucket"},
	} {
		role, table, _ := strings.Cut(key, " ")
		var got []string
		err := owner.QueryRow(t.Context(), `select coalesce(array_agg(column_name::text order by column_name), '{}')
			from information_schema.column_privileges where grantee = $1 and table_schema = 'kapivara' and table_name = $2
			and privilege_type = 'UPDATE'`, role, table).Scan(&got)
		if err != nil || !slices.Equal(got, columns) {
			t.Errorf("%s may update %v of %s, %v; want %v", role, got, table, err, columns)
		}
	}
	var open []string
	err = owner.QueryRow(t.Context(), `select coalesce(array_agg(p.proname::text), '{}') from pg_proc p,
		aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
		where p.pronamespace = 'kapivara'::regnamespace and a.grantee = 0`).Scan(&open)
	if err != nil || len(open) > 0 {
		t.Errorf("anybody may call %v, %v", open, err)
	}
}
