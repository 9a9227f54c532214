package postgres_test

import (
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

// TestDispatchWalksItsIndexes explains the statements of a turn and of a look as the service prepares them, and holds
// them to the indexes that their files name.
func TestDispatchWalksItsIndexes(t *testing.T) {
	t.Parallel()
	f := newDispatchFixture(t)
	s := kapivara.NewSubscriber("billing")
	s.No = f.Subscribe(s)
	f.fillDue(2000, 3, s)
	f.exec("insert into kapivara.buckets (subscriber, bucket) select 'billing', i from generate_series(0, 7) i")
	f.exec(`insert into kapivara.deliveries (bucket_no, number, due, stream_no, subscriber_no, from_position, to_position, ack_wait_ms, buckets, cause)
		select 1, i, i * 3, i, $1, 1, 3, 1000, 8, 1 from generate_series(1, 2000) i`, s.No)
	f.exec("insert into kapivara.commits (bucket_no, number, attempt) select 1, i, 1 from generate_series(1, 1000) i")
	f.exec(`insert into kapivara.retries (bucket_no, number, sent, until, attempt, counted, state, answer)
		select 1, i, now(), now(), 1, 1, case when i % 10 = 0 then 2 when i % 2 = 0 then 3 else 4 end, 1 from generate_series(1001, 1900) i`)
	f.exec(`insert into kapivara.replays (due, stream_no, subscriber_no, bucket)
		select i * 3, i, s, i % 8 from generate_series(1, 2000) i, generate_series(1, 3) s`)
	f.exec("analyze")
	f.exec("set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set jit = off; set plan_cache_mode = force_generic_plan")
	for file, indexes := range map[string]string{
		"move_buckets": "buckets_pkey",
		"take":         "outbox_due",
		"again":        "retries_number",
		"forget":       "retries_number",
		"lanes":        "outbox_bucket streams_pkey",
		"tail":         "outbox_due streams_pkey",
		"hidden":       "retries_waiting deliveries_number streams_pkey",
		"first":        "deliveries_number commits_number retries_number streams_pkey",
		"leased":       "retries_leased deliveries_number streams_pkey",
		"deliveries":   "deliveries_number commits_number retries_number streams_pkey",
		"events":       "events_position",

		"replays":            "replays_bucket streams_pkey",
		"take_replays":       "replays_due subscribers_pkey",
		"operate_numbers":    "deliveries_number commits_number retries_number",
		"operate_stream":     "streams_name deliveries_stream commits_number retries_number",
		"operate_state":      "retries_number deliveries_number streams_pkey",
		"operate_leased":     "retries_leased deliveries_number commits_number streams_pkey",
		"operate_due":        "outbox_bucket streams_pkey",
		"operate_due_stream": "streams_name events_position outbox_due",
		"operate_buckets":    "buckets_pkey",
		"replay_complete":    "streams_completed outbox_due replays_due deliveries_stream commits_number retries_number events_log",
	} {
		plan := planOf(t, f, "dispatch_"+file)
		for _, index := range strings.Fields(indexes) {
			if !strings.Contains(plan, index) {
				t.Errorf("%s does not walk %s:\n%s", file, index, plan)
			}
		}
		if strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s reads a whole table:\n%s", file, plan)
		}
	}
}

// planOf is the plan of a file's statement for parameters that are not known.
func planOf(t *testing.T, f *dispatchFixture, name string) string {
	t.Helper()
	text, err := os.ReadFile("sql/" + name + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	sql := strings.NewReplacer("{waiting}", "s.name", "{numbered}", "d.bucket_no, s.name, c.attempt, r.state",
		"{weight}", "octet_length(e.data)", "{due}", "kapivara.outbox", "{grown}", "s.name, g.contiguous", "{first}", "true", "{whole_first}", "true", "{held}", "false", "{held_whole}", "false", "{growth}", "cross join (select 1 as contiguous) g").Replace(string(text))
	f.exec("prepare " + name + " as " + sql)
	nulls := strings.TrimSuffix(strings.Repeat("null,", strings.Count(parametersOf(sql), "$")), ",")
	if nulls != "" {
		nulls = "(" + nulls + ")"
	}
	rows, err := f.owner.Query(t.Context(), "explain execute "+name+nulls, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return strings.Join(lines, "\n")
}

// parametersOf lists the parameters of a statement once each.
func parametersOf(sql string) (list string) {
	for _, p := range []string{"$1", "$2", "$3", "$4", "$5", "$6"} {
		if strings.Contains(withoutComments(sql), p) {
			list += p
		}
	}
	return list
}

func withoutComments(sql string) string {
	var kept []string
	for line := range strings.Lines(sql) {
		if !strings.HasPrefix(line, "--") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
