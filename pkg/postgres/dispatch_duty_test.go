package postgres_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/tests/kit"
)

// longTurn is a transaction that holds the duty as every turn does, until finish.
func (f *dispatchFixture) longTurn(epoch int64) (finish func()) {
	f.t.Helper()
	tx, err := f.owner.Begin(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := tx.Exec(f.t.Context(), "select kapivara.hold_dispatch($1)", epoch); err != nil {
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
	epoch, ok, err := f.TakeDuty(t.Context(), "one", time.Minute)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	finish := f.longTurn(epoch)
	kept := make(chan error, 1)
	go func() {
		_, err := f.KeepDuty(t.Context(), epoch, time.Minute)
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
	epoch, ok, err := f.TakeDuty(t.Context(), "one", time.Minute)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	finish := f.longTurn(epoch)
	if _, err := f.KeepDuty(t.Context(), epoch, time.Microsecond); err != nil { // it ends during the turn
		t.Fatal(err)
	}
	took := make(chan error, 1)
	go func() {
		_, ok, err := f.TakeDuty(t.Context(), "two", time.Minute)
		if err == nil && !ok {
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
	if _, err := f.Turn(t.Context(), &kapivara.Turn{Epoch: epoch}); !errors.Is(err, kapivara.ErrOffDuty) {
		t.Errorf("got error %v from a turn of the first, want that it is off duty", err)
	}
}
