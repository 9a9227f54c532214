package postgres_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/tests/kit"
)

// duty begins a run with the duty for a subscriber.
func (f *dispatchFixture) duty(ttl time.Duration, subscriber int32) kapivara.Hold {
	f.t.Helper()
	run, err := f.Join(f.t.Context(), "one", ttl)
	if err != nil {
		f.t.Fatal(err)
	}
	duties, err := f.TakeDuties(f.t.Context(), run, []int32{subscriber})
	if err != nil || len(duties) != 1 {
		f.t.Fatalf("got the duties %v, %v", duties, err)
	}
	return kapivara.Hold{Dispatcher: run, Duties: duties}
}

// longTurn is a transaction that holds the duty as every turn does, until finish.
func (f *dispatchFixture) longTurn(hold kapivara.Hold) (finish func()) {
	f.t.Helper()
	tx, err := f.owner.Begin(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := tx.Exec(f.t.Context(), "select kapivara.hold_dispatch($1, $2, $3)", hold.Dispatcher,
		[]int32{hold.Duties[0].Subscriber}, []int64{hold.Duties[0].Epoch}); err != nil {
		f.t.Fatal(err)
	}
	return func() {
		if err := tx.Commit(f.t.Context()); err != nil {
			f.t.Fatal(err)
		}
	}
}

func TestATurnThatTakesLongDoesNotCostTheDuty(t *testing.T) {
	t.Parallel()
	f := newDispatchFixture(t)
	hold := f.duty(time.Minute, f.Subscribe(kapivara.NewSubscriber("billing")))
	finish := f.longTurn(hold)
	kept := make(chan error, 1)
	go func() {
		_, err := f.Keep(t.Context(), hold.Dispatcher, time.Minute)
		kept <- err
	}()
	select {
	case err := <-kept:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the duty cannot be prolonged while a turn of it is being written")
	}
	finish()
}

func TestNobodyTakesOverWhileATurnIsBeingWritten(t *testing.T) {
	t.Parallel()
	f := newDispatchFixture(t)
	hold := f.duty(time.Minute, f.Subscribe(kapivara.NewSubscriber("billing")))
	finish := f.longTurn(hold)
	if _, err := f.Keep(t.Context(), hold.Dispatcher, time.Microsecond); err != nil { // it ends during the turn
		t.Fatal(err)
	}
	two, err := f.Join(t.Context(), "two", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	took := make(chan error, 1)
	go func() {
		taken, err := f.TakeDuties(t.Context(), two, []int32{hold.Duties[0].Subscriber})
		if err == nil && len(taken) != 1 {
			err = errors.New("nobody has the duty, and it was not given")
		}
		took <- err
	}()
	other := connectOwner(t, f.url)
	kit.Eventually(t, timeout, func() error {
		var waits int
		if err := other.QueryRow(t.Context(), "select count(*) from pg_locks where not granted").Scan(&waits); err != nil {
			return err
		}
		if waits == 0 {
			return fmt.Errorf("the other dispatcher does not wait")
		}
		return nil
	})
	finish()
	if err := <-took; err != nil {
		t.Error(err)
	}
	if _, err := f.Turn(t.Context(), &kapivara.Turn{Hold: hold}); !errors.Is(err, kapivara.ErrOffDuty) {
		t.Errorf("got error %v from a turn of the first, want that it is off duty", err)
	}
}
