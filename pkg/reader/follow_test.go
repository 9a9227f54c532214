package reader_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/reader"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeLog is a log in memory that counts how often it was read, and can fail. stretch bounds what one filtered read
// looks at, 0 for no bound.
type fakeLog struct {
	reader.Store
	stretch int64

	mu     sync.Mutex
	events []kapivara.Event
	reads  int
	err    error
	after  func() // runs once behind the next read
}

func (f *fakeLog) add(types ...string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range types {
		e := kapivara.Event{Stream: "a/b/c/1", LogPosition: int64(len(f.events) + 1)}
		e.Type = name
		f.events = append(f.events, e)
	}
	return int64(len(f.events))
}

func (f *fakeLog) Log(_ context.Context, q kapivara.LogQuery) (kapivara.LogPage, error) {
	page, after, err := f.read(q)
	if after != nil {
		after()
	}
	return page, err
}

func (f *fakeLog) read(q kapivara.LogQuery) (kapivara.LogPage, func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	after := f.after
	f.after = nil
	f.reads++
	page := kapivara.LogPage{Head: int64(len(f.events)), Next: max(q.After, int64(len(f.events)))}
	for i := q.After; i < page.Head; i++ {
		if f.stretch > 0 && q.Filtered() && i == q.After+f.stretch {
			page.Next = i
			break
		}
		if q.Fits(&f.events[i]) {
			page.Events = append(page.Events, f.events[i])
		}
		if len(page.Events) == q.Limit {
			page.Next = i + 1
			break
		}
	}
	return page, after, f.err
}

func (f *fakeLog) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// answers collects what a follower is told.
type answers chan string

func (a answers) take(page kapivara.LogPage, err error) {
	var types []string
	for _, e := range page.Events {
		types = append(types, e.Type)
	}
	a <- fmt.Sprintf("%v %d %v", types, page.Next, err)
}

// wants checks the one answer that must be there by now.
func (a answers) wants(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-a:
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	default:
		t.Errorf("no answer, want %s", want)
	}
}

func (a answers) none(t *testing.T) {
	t.Helper()
	select {
	case got := <-a:
		t.Errorf("got %s, want to wait on", got)
	default:
	}
}

func started(t *testing.T, log *fakeLog, c reader.Config) *reader.Reader {
	t.Helper()
	r := reader.New(log, c, slog.New(slog.DiscardHandler))
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func query(after int64, types ...string) kapivara.LogQuery {
	return kapivara.LogQuery{After: after, Limit: 100, Types: types}
}

func TestWithoutWaitAnEmptyPageComesAtOnce(t *testing.T) {
	t.Parallel()
	log := &fakeLog{}
	log.add("x", "y")
	r := reader.New(log, reader.Config{}, slog.New(slog.DiscardHandler))
	got := make(answers, 1)
	r.Log(t.Context(), query(0, "z"), 0, got.take)
	got.wants(t, "[] 2 <nil>")
}

func TestAWaiterIsAnsweredByTheFirstFittingEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &fakeLog{}
		r := started(t, log, reader.Config{Poll: time.Hour})
		defer r.Stop()
		got := make(answers, 1)
		r.Log(t.Context(), query(0, "wanted"), 20*time.Second, got.take)
		r.Committed(log.add("other", "other"))
		synctest.Wait()
		got.none(t)
		r.Committed(log.add("wanted", "other"))
		synctest.Wait()
		got.wants(t, "[wanted] 4 <nil>")
		time.Sleep(30 * time.Second) // of the bubble's clock: nothing comes twice
		got.none(t)
	})
}

func TestAWaitEndsWithHowFarItHasLooked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &fakeLog{}
		r := started(t, log, reader.Config{Poll: time.Hour})
		defer r.Stop()
		got := make(answers, 1)
		r.Log(t.Context(), query(0, "wanted"), 5*time.Second, got.take)
		r.Committed(log.add("other", "other", "other"))
		time.Sleep(5*time.Second - time.Nanosecond)
		synctest.Wait()
		got.none(t)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		got.wants(t, "[] 3 <nil>")
	})
}

func TestThePollFindsWhatNobodyTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &fakeLog{}
		r := started(t, log, reader.Config{})
		defer r.Stop()
		got := make(answers, 1)
		r.Log(t.Context(), query(0), 20*time.Second, got.take)
		log.add("x")
		time.Sleep(time.Second)
		synctest.Wait()
		got.wants(t, "[x] 1 <nil>")
	})
}

// A commit that is told between a follower's read and its wait must wake it all the same.
func TestACommitToldBeforeTheWaitIsNotMissed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &fakeLog{}
		r := started(t, log, reader.Config{Poll: time.Hour})
		defer r.Stop()
		log.after = func() { r.Committed(log.add("x")) }
		got := make(answers, 1)
		r.Log(t.Context(), query(0), 20*time.Second, got.take)
		synctest.Wait()
		got.wants(t, "[x] 1 <nil>")
	})
}

func TestManyWaitersShareOneRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &fakeLog{}
		r := started(t, log, reader.Config{Poll: time.Hour})
		defer r.Stop()
		const n = 500
		got := make(answers, n)
		for range n {
			r.Log(t.Context(), query(0, "x"), 20*time.Second, got.take)
		}
		r.Committed(log.add("x"))
		synctest.Wait()
		if len(got) != n {
			t.Errorf("%d of %d waiters were answered", len(got), n)
		}
		if log.reads > n+1 {
			t.Errorf("the log was read %d times for the wake-up of all, want once", log.reads-n)
		}
	})
}

func TestALimitHoldsForAWaiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &fakeLog{}
		r := started(t, log, reader.Config{Poll: time.Hour})
		defer r.Stop()
		got := make(answers, 1)
		q := query(0)
		q.Limit = 2
		r.Log(t.Context(), q, 20*time.Second, got.take)
		r.Committed(log.add("1", "2", "3"))
		synctest.Wait()
		got.wants(t, "[1 2] 2 <nil>")
	})
}

func TestTooManyWaitersAreBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := started(t, &fakeLog{}, reader.Config{Waiters: 1})
		defer r.Stop()
		first := make(answers, 1)
		r.Log(t.Context(), query(0), time.Second, first.take)
		var refusal *kapivara.Error
		r.Log(t.Context(), query(0), time.Second, func(_ kapivara.LogPage, err error) {
			if !errors.As(err, &refusal) {
				t.Errorf("got %v, want a refusal", err)
			}
		})
		if refusal == nil || refusal.Code != kapivara.Busy || refusal.Facts.RetryAfter != "1s" {
			t.Errorf("got %v, want busy with retry_after", refusal)
		}
		first.none(t)
	})
}

func TestStopAnswersAllWaiters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &fakeLog{}
		log.add("x")
		r := started(t, log, reader.Config{})
		got := make(answers, 3)
		r.Log(t.Context(), query(1), 20*time.Second, got.take)
		r.Log(t.Context(), query(1), 20*time.Second, got.take)
		r.Stop()
		r.Stop()
		got.wants(t, "[] 1 <nil>")
		got.wants(t, "[] 1 <nil>")
		r.Log(t.Context(), query(1), 20*time.Second, got.take) // no longer waits
		got.wants(t, "[] 1 <nil>")
	})
}

func TestAStoreThatFailsLetsWaitersWaitOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &fakeLog{}
		r := started(t, log, reader.Config{})
		defer r.Stop()
		got := make(answers, 1)
		r.Log(t.Context(), query(0), 20*time.Second, got.take)
		log.fail(errors.New("away"))
		r.Committed(log.add("x"))
		time.Sleep(3 * time.Second)
		got.none(t)
		log.fail(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		got.wants(t, "[x] 1 <nil>")
	})
}

func TestALongLookEndsWithHowFarItHasCome(t *testing.T) {
	t.Parallel()
	log := &fakeLog{stretch: 10}
	for range 100 {
		log.add("other")
	}
	got := make(answers, 1)
	reader.New(log, reader.Config{LookFor: time.Nanosecond}, slog.New(slog.DiscardHandler)).
		Log(t.Context(), query(0, "wanted"), 20*time.Second, got.take)
	got.wants(t, "[] 10 <nil>")
	reader.New(log, reader.Config{LookFor: time.Hour}, slog.New(slog.DiscardHandler)).
		Log(t.Context(), query(0, "wanted"), 0, got.take)
	got.wants(t, "[] 100 <nil>")
}

func TestWhatALogRequestMayNotAsk(t *testing.T) {
	t.Parallel()
	r := reader.New(&fakeLog{}, reader.Config{}, slog.New(slog.DiscardHandler))
	for path, c := range map[string]struct {
		q    kapivara.LogQuery
		wait time.Duration
	}{
		"wait":  {query(0), 31 * time.Second},
		"after": {query(-1), 0},
		"limit": {kapivara.LogQuery{Limit: kapivara.MaxLogPage + 1}, 0},
		"types": {kapivara.LogQuery{Limit: 1, Types: kapivara.Filter{"a*b"}}, 0},
	} {
		r.Log(t.Context(), c.q, c.wait, func(_ kapivara.LogPage, err error) {
			var refusal *kapivara.Error
			if !errors.As(err, &refusal) || refusal.Code != kapivara.InvalidRequest || refusal.Facts.Path != path {
				t.Errorf("got %v, want invalid_request at %s", err, path)
			}
		})
	}
	r.Log(t.Context(), kapivara.LogQuery{Limit: 1, Backward: true}, time.Second, func(_ kapivara.LogPage, err error) {
		if err == nil {
			t.Error("a wait backward was taken")
		}
	})
}
