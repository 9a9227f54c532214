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
	awaitWaiting(t, f)
	finish()
	if err := <-took; err != nil {
		t.Error(err)
	}
	if _, err := f.Turn(t.Context(), &kapivara.Turn{Hold: hold}); !errors.Is(err, kapivara.ErrOffDuty) {
		t.Errorf("got error %v from a turn of the first, want that it is off duty", err)
	}
}

// Whoever takes over looks at a moment when the run seems over, while it is just being prolonged: it waits, and leaves it
// alone (I-16). Taking by what was seen before would make two dispatchers sure of one duty.
func TestARunThatIsJustBeingProlongedIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := newDispatchFixture(t)
	no := f.Subscribe(kapivara.NewSubscriber("billing"))
	hold := f.duty(time.Minute, no)
	two, err := f.Join(t.Context(), "two", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	f.exec("update kapivara.dispatchers set until = now() where dispatcher_no = $1", hold.Dispatcher)
	tx, err := f.owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "update kapivara.dispatchers set until = now() + interval '1 minute' where dispatcher_no = $1", hold.Dispatcher); err != nil {
		t.Fatal(err)
	}
	took := make(chan []kapivara.Duty, 1)
	go func() {
		taken, err := f.TakeDuties(t.Context(), two, []int32{no})
		if err != nil {
			t.Error(err)
		}
		took <- taken
	}()
	awaitWaiting(t, f)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if taken := <-took; len(taken) != 0 {
		t.Errorf("got %v from a run that lives", taken)
	}
	if _, err := f.Turn(t.Context(), &kapivara.Turn{Hold: hold}); err != nil {
		t.Errorf("a turn of the first: %v", err)
	}
}

// awaitWaiting waits until somebody waits for a lock.
func awaitWaiting(t *testing.T, f *dispatchFixture) {
	t.Helper()
	other := connectOwner(t, f.url)
	kit.Eventually(t, timeout, func() error {
		var waits int
		if err := other.QueryRow(t.Context(), `select count(*) from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock'`).Scan(&waits); err != nil {
			return err
		}
		if waits == 0 {
			return fmt.Errorf("nobody waits")
		}
		return nil
	})
}
