package postgres_test

import (
	"strings"
	"testing"

	"kapivara/pkg/postgres"
)

// The one plan of each hot statement, made while its tables are empty, must walk indexes: it stays when they grow.
func TestHotReadsWalkIndexes(t *testing.T) {
	t.Parallel()
	_, pool := newReadPool(t)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for _, backward := range []bool{false, true} {
		statements := postgres.ReadStatements(backward)
		for name, c := range map[string]struct {
			args    string
			indexes []string
		}{
			"explain_waiting":   {`1, 5, '{1}', 1000`, []string{"outbox_due", "outbox_grown", "replays_stream", "outbox_bucket", "retries_leased"}},
			"explain_delivered": {`1, '{1}'`, []string{"deliveries_grown", "deliveries_stream", "retries_number", "commits_number", "retries_leased"}},
			"explain_stream":    {`'a/b/c/1'`, []string{"streams_name", "events_position"}},
			"explain_types":     {`1, 5`, []string{"events_position", "kinds_pkey"}},

			"waiting": {`1, 1000`, []string{"outbox_bucket"}},
			"event":   {`'\x00'`, []string{"events_id", "streams_pkey"}},
			"stream":  {`'a/b/c/1', 1, 9, null, null, 10, 1000`, []string{"streams_name", "events_position"}},
			"log":     {`5, 10, 1000`, []string{"events_log", "streams_pkey"}},
		} {
			if _, err := conn.Exec(t.Context(), "prepare "+name+" as "+statements[name]); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			rows, err := conn.Query(t.Context(), "explain execute "+name+"("+c.args+")")
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var plan strings.Builder
			for rows.Next() {
				var line string
				if err := rows.Scan(&line); err != nil {
					t.Fatal(err)
				}
				plan.WriteString(line + "\n")
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			for _, index := range c.indexes {
				if !strings.Contains(plan.String(), index) {
					t.Errorf("%s, backward %v: the index %s is not walked:\n%s", name, backward, index, plan.String())
				}
			}
			for _, scan := range []string{"Seq Scan on events", "Seq Scan on streams", "Hash Join", "Merge Join", "Hash Left", "Merge Left", "Bitmap", "Seq Scan on outbox"} {
				if strings.Contains(plan.String(), scan) {
					t.Errorf("%s, backward %v: a %s:\n%s", name, backward, scan, plan.String())
				}
			}
			if _, err := conn.Exec(t.Context(), "deallocate "+name); err != nil {
				t.Fatal(err)
			}
		}
	}
}
