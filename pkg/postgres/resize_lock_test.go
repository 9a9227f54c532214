package postgres_test

import (
	"errors"
	"testing"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
	"kapivara/tests/kit"
)

// I-17: what is placed is leased while the next page is being written, however long that takes.
func TestWhatIsPlacedIsLeasedWhileTheNextPageIsWritten(t *testing.T) {
	t.Parallel()
	f := newDispatchFixture(t)
	s := kapivara.NewSubscriber("billing")
	s.Buckets = 4
	s.No = f.Subscribe(s)
	f.fillDue(2100, 1, s) // a page and a part of the next one
	f.head = 2100
	s.Buckets = 1
	f.Subscribe(s)
	store := postgres.NewRegistryStore(writerPool(t, f.url), true)
	if worked, _, err := store.Place(t.Context()); err != nil || !worked {
		t.Fatalf("the first page: worked %v, %v", worked, err)
	}
	slow := connectOwner(t, f.url)
	for _, sql := range []string{"begin", "select from kapivara.outbox where due > 2000 for update"} {
		if _, err := slow.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	placed := make(chan error, 1)
	go func() {
		_, _, err := store.Place(t.Context())
		placed <- err
	}()
	const waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
	kit.Eventually(t, timeout, func() error {
		if dispatchCount(t, f, waiting) == 0 {
			return errors.New("the second page does not wait for the rows")
		}
		return nil
	})
	// As a turn that leases does. Nobody has the row to itself, so this waits for nobody.
	f.exec("set lock_timeout = '500ms'")
	f.exec(`select kapivara.hold_layouts(array[subscriber_no], array[relaid], array[2000::bigint])
		from kapivara.subscribers where subscriber_no = $1`, s.No)
	if _, err := slow.Exec(t.Context(), "commit"); err != nil {
		t.Fatal(err)
	}
	if err := <-placed; err != nil {
		t.Logf("the second page was given up: %v", err) // it is done again
	}
}
