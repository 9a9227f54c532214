package postgres_test

import (
	"testing"

	"kapivara/pkg/kapivara"
)

// What is too much to be counted one by one is estimated from samples: exactly where it stands without gaps in the log, or
// is thin there, and never as more than there are log positions.
func TestWhatWaitsIsCountedOrEstimated(t *testing.T) {
	t.Parallel()
	store, f := newReadFixture(t)
	no := f.subscriber(t, "billing")
	f.exec(t, `insert into kapivara.outbox (due, stream_no, subscriber_no, bucket)
		select n, n, $1, 0 from generate_series(1, 8000) n`, no) // one after another
	f.exec(t, `insert into kapivara.outbox (due, stream_no, subscriber_no, bucket)
		select 8000 + 10 * n, n, $1, 1 from generate_series(1, 4000) n`, no) // each tenth
	f.exec(t, `insert into kapivara.outbox (due, stream_no, subscriber_no, bucket)
		select 100001 + n * 1000, n, $1, -1 from generate_series(1, 30) n`, no) // few
	f.exec(t, `insert into kapivara.replays (due, stream_no, subscriber_no, bucket)
		select n, n, $1, 1 from generate_series(1, 500) n`, no)
	for _, exact := range []int{100_000, 12_531, 3000, 1000} {
		store.SetExact(exact)
		state, err := store.Subscriber(t.Context(), "billing")
		if err != nil {
			t.Fatal(err)
		}
		counts := map[kapivara.Bucket]int64{}
		for _, b := range state.Buckets {
			counts[b.Bucket] = b.Pending
		}
		if counts[0] != 8000 || counts[-1] != 30 {
			t.Errorf("counting %d one by one: got %v, want 8000 and 30", exact, counts)
		}
		if n := counts[1]; n < 4365 || n > 4635 || exact > 12_530 && n != 4500 {
			t.Errorf("counting %d one by one: %d wait in bucket 1, want 4500, give or take 3 of 100", exact, n)
		}
	}
}
