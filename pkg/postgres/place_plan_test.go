package postgres_test

import (
	"strings"
	"testing"

	"kapivara/pkg/kapivara"
)

// TestPlacingWalksItsIndexes explains the statements of a resize as placePart prepares them, and holds them to the
// indexes that their files name: what a page costs does not grow with what waits.
func TestPlacingWalksItsIndexes(t *testing.T) {
	t.Parallel()
	f := newDispatchFixture(t)
	s := kapivara.NewSubscriber("billing")
	s.No = f.Subscribe(s)
	f.fillDue(2000, 3, s)
	f.exec(`insert into kapivara.replays (due, stream_no, subscriber_no, bucket)
		select i * 3, i, s, i % 8 from generate_series(1, 2000) i, generate_series(1, 3) s`)
	f.exec("analyze")
	f.exec("set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set jit = off; set plan_cache_mode = force_generic_plan")
	f.exec("set enable_sort = off") // as placePart has it
	for file, indexes := range map[string]string{
		"place_moving":       "subscribers_moving",
		"place_outbox":       "outbox_due streams_pkey",
		"place_replays":      "replays_due streams_pkey",
		"place_move_outbox":  "outbox_due",
		"place_move_replays": "replays_due",
		"place_hold":         "subscribers_moving",
		"place_advance":      "subscribers_pkey",
		"place_finish":       "subscribers_moving",
	} {
		plan := planOf(t, f, file)
		for _, index := range strings.Fields(indexes) {
			if !strings.Contains(plan, index) {
				t.Errorf("%s does not walk %s:\n%s", file, index, plan)
			}
		}
		if strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s reads a whole table:\n%s", file, plan)
		}
		if strings.Contains(plan, "Sort") {
			t.Errorf("%s sorts what it reads:\n%s", file, plan)
		}
	}
}
